"""Filter: what a rule or a backendRef does to a request and its response.

A filter is compiled from its plain description (snapshot.route) into an object with up to two
methods. The chain of a rule is flattened into two tuples of bound methods, so that a rule without
filters costs one empty loop and no filter is ever probed per request.
"""

from collections.abc import Awaitable, Callable

from proxy.protocol.message import Reply, Request, Response


class FilterContext:
    """What a filter may know beside the message, and what it has found for those after it. One per exchange."""

    __slots__ = ("client", "mirrored", "origin", "port", "scheme")

    def __init__(self, scheme: str, port: int, client: str) -> None:
        self.scheme = scheme
        """"http" or "https": what the client used."""
        self.port = port
        """The listener's declared port."""
        self.client = client
        """The client's address, decided once."""
        self.origin: bytes | None = None
        """The request's Origin, noted for its response."""
        self.mirrored: list[tuple[str, Request]] = []
        """Where else to send what, when the request is forwarded: (upstream key, the request as it was then)."""


RequestStep = Callable[[Request, FilterContext], "Reply | Awaitable[Reply | None] | None"]
"""Changes the request in place (a new list for `headers`, so that a retry can start from the old one).

A Reply ends the exchange; an awaitable suspends it, and only then costs a task. A step that cannot do its
work raises errors.FilterFailed.
"""
ResponseStep = Callable[[Response, FilterContext], None]
"""Changes the response head in place."""
ReplyStep = Callable[[Reply, FilterContext], None]
"""Changes an answer that the gateway gives by itself, an error or a filter's own, before it goes out."""


class FilterChain:
    """The steps of one rule or backendRef, in order; response steps in the order listed, too."""

    __slots__ = ("on_reply", "on_request", "on_response")

    def __init__(
        self,
        on_request: tuple[RequestStep, ...] = (),
        on_response: tuple[ResponseStep, ...] = (),
        on_reply: tuple[ReplyStep, ...] = (),
    ) -> None:
        self.on_request = on_request
        self.on_response = on_response
        self.on_reply = on_reply


NO_FILTERS = FilterChain()


_BREAKS = bytes.maketrans(b"\r\n\0", b"   ")


def field_value(value: bytes) -> bytes:
    """A configured value that can stand in a field: CR, LF and NUL become spaces (RFC 9110 section 5.5)."""
    return value.translate(_BREAKS).strip(b" \t")
