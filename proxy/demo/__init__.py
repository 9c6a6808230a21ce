"""What `penstock demo` runs beside the gateway: a backend to talk to, and the configuration for it.

play       the demo itself; stage: its ports; terminal: Ctrl-C for it alone
hello      the backend; alone: without a gateway before it
"""
