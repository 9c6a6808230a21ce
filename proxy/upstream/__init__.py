"""Connections to backends: which backend, which endpoint, and a pooled connection to it.

balance      which backend of a rule
live         which endpoint of a backend
naming       which endpoints its DNS names lead to
session      which endpoint a client that was here before belongs to
budget       how many retries a backend may get
pools        all pools of a worker, kept across snapshots; settings: what they are told from outside
endpoint     what every pool is to those who send, and lease what it gives them
pool         all connections to one endpoint; connection: one of them, around the HTTP/1 codec
http2_pool   the same for HTTP/2; http2_connection: one of them, with many streams
handshake    a connection over TLS, once the endpoint has been verified; failures: why there is none
contexts     whom to trust and what to show, as SSLContexts
"""
