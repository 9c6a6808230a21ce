"""Names of header fields: which are ones, and which no filter may touch."""

import re

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

CONNECTION_HEADERS = frozenset(
    ("connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)
"""These say where a message ends and whose the connection is: a filter that changed them would let
two parties disagree about it (RFC 9110 section 7.6.1, RFC 9112 section 6)."""


def is_token(text: str) -> bool:
    """A field name (RFC 9110 section 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None
