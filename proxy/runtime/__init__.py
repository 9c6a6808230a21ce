"""The processes: one that controls, N that serve, and how they speak.

control      sources, translation (load), installing (install), signals; companion: what goes along with it
crew         the workers as control has them, each replaced when it ends (workers)
worker       a worker seen from inside; ipc: what the two say to each other
listeners    what is bound, over sockets; admin_addresses: what operators ask at
names        DNS names of backends, followed and told to every worker
reporting    what people are told on stderr; logfile: where access logs go
settings     what `penstock run` was told; process and namespace: what it finds where it runs
session_key  what tokens of sessions are sealed under, wherever they are read
"""
