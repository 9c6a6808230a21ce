"""Connections from clients: accepted, timed, and handed byte by byte to the codec of their protocol.

dataplane    the ports of one worker under one snapshot; settings: what it is told from outside
listeners    bound sockets, and how they stop
connection   one client; pace: how fast its bodies must come
tls          what stands between the two on a TLS port
"""
