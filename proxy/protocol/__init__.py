"""Bytes to messages and back. No sockets, no event loop, no clock.

stream       the seam where versions meet: four small interfaces of plain calls
message      heads of requests and responses; target, uri, fields, names and framing: their parts in every version
forwarding   who the client is, and what the endpoint is told about the way here; cookies: those of a request
limits       how much a peer may send
http1, http2, tls    the codecs, and what can be read of TLS without keys
"""
