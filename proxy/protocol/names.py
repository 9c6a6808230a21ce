"""Field names that steer something, and what a lax reader would take for them."""

import re

FRAMING = frozenset({
    b"connection", b"content-length", b"expect", b"http2-settings", b"keep-alive", b"proxy-connection", b"te",
    b"transfer-encoding", b"upgrade",
})  # fmt: skip
"""Fields of this connection and this message's framing: never forwarded as they came."""
HOPS = frozenset({b"forwarded", b"via", b"x-real-ip", b"x-request-id"})
"""Fields about the way here, with every X-Forwarded-*."""
_NOT_LETTERS = re.compile(rb"[^a-z0-9]")


def letters(name: bytes) -> bytes:
    """A name as the laxest readers compare it: CGI and WSGI turn `-` into `_`, others drop odd characters."""
    return _NOT_LETTERS.sub(b"", name)
