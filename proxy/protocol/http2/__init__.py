"""HTTP/2 (RFC 9113): frames are the engine's, messages and streams are ours.

engine                         nghttp2, and nothing of it anywhere else
session                        one connection; server and client: in the two roles; carrier: what is below it
stream                         one stream, a body each way; server_stream and client_stream: in the two roles
request_head, response_head    heads that came; sections: fields on their way out
"""
