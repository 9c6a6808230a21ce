"""Cookies of a request (RFC 6265 section 4.2.1), read as servers read them: leniently, and never with an error."""

from proxy.protocol.message import Headers


def cookie_values(headers: Headers, name: bytes) -> list[bytes]:
    """The values of all cookies of this name, in order: of several fields, as HTTP/2 clients send them, and of one.

    Clients put the cookie with the longest path first (section 5.4). Quotes around a value are not part of it.
    """
    found: list[bytes] = []
    for field, value in headers:
        if field == b"cookie" and name in value:
            for pair in value.split(b";"):
                key, equals, given = pair.partition(b"=")
                if equals and key.strip() == name:
                    found.append(_unquoted(given.strip()))
    return found


def _unquoted(value: bytes) -> bytes:
    return value[1:-1] if len(value) > 1 and value.startswith(b'"') and value.endswith(b'"') else value
