"""HTTP/1.1 and 1.0 (RFC 9112): codecs that are fed bytes and write through what they are given.

server, client                 the two roles; carrier: what the first needs from outside
request_head, response_head    heads that came, over the fields as llhttp reports them
sending, encode, pieces        what goes out: how a response leaves, heads and chunks, bodies
"""
