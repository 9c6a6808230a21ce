"""TLS between a client's TCP connection and the codec: over memory, chosen by the ClientHello.

handshake   a new connection, until its listener is known and its keys agreed
contexts    the SSLContext of each certificate in use
fallback    an engine that asks clients for a certificate and lets them in without

Engine and transport are those of proxy.tls.
"""
