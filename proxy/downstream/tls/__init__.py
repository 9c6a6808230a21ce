"""TLS between a client's TCP connection and the codec: over memory, chosen by the ClientHello.

handshake   a new connection, until its listener is known and its keys agreed
contexts    the SSLContext of each certificate in use
engine      one side of one TLS connection: octets in, octets out
transport   what the codec is given then: a transport like that of clear text
"""
