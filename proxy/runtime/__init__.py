"""The processes: one that controls, N that serve, and how they speak.

control      sources, translation (load), installing (install), signals; companion: what goes along with it
crew         the workers as control has them, each replaced when it ends (workers)
worker       a worker seen from inside; ipc: what the two say to each other
listeners    what is bound, over sockets
settings     what `penstock run` was told
"""
