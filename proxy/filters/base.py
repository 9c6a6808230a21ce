"""Filter: what a rule or a backendRef does to a request and its response.

A filter is compiled from its plain description (snapshot.route) into an object with up to two
methods. The chain of a rule is flattened into two tuples of bound methods, so that a rule without
filters costs one empty loop and no filter is ever probed per request.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from proxy.protocol.message import Headers, Reply, Request, Response


class Answer:
    """What another server answered to a filter. No field of it is of the connection it came by."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Outside(Protocol):
    """What a filter, which is pure, has others do for it. Given by who forwards the request."""

    def ask(self, upstream: str, request: Request, body: bytes, enough: int) -> Awaitable[Answer]:
        """Send a request of the filter's own to an endpoint of an upstream that its spec names.

        Of an answer with the status `enough` the body is not waited for. Raises ProxyError for whatever is no whole
        answer in time. Cancelled, it gives up the request.
        """

    def count(self, metric: str, labels: tuple[str, ...]) -> None:
        """One more in a counter of the catalogue (observe). Labels must be bounded."""


class FilterContext:
    """What a filter may know beside the message, and what it has found for those after it. One per exchange."""

    __slots__ = ("body", "client", "mirrored", "origin", "outside", "port", "scheme", "vouched")

    def __init__(self, scheme: str, port: int, client: str, outside: Outside | None = None) -> None:
        self.scheme = scheme
        """"http" or "https": what the client used."""
        self.port = port
        """The listener's declared port."""
        self.client = client
        """The client's address, decided once."""
        self.outside = outside
        """None where nothing is forwarded, and no filter that needs it is run."""
        self.body = b""
        """All of the request's body, for a step that comes after a WholeBody."""
        self.origin: bytes | None = None
        """The request's Origin, noted for its response."""
        self.vouched: frozenset[bytes] = frozenset()
        """Fields that nobody but a filter may set (names.letters): the client's trailers come without them, too."""
        self.mirrored: list[tuple[str, Request]] = []
        """Where else to send what, when the request is forwarded: (upstream key, the request as it was then)."""


class WholeBody:
    """What a step returns, and a chain so declares, that has the steps after it see the whole body of the request.

    The client's body is read and kept until its end, then the next step is called with it in `FilterContext.body`.
    Without it the body is not read while filters wait, and is passed on as it comes.
    """

    __slots__ = ("at_most",)

    def __init__(self, at_most: int) -> None:
        self.at_most = at_most
        """Octets; a longer body is refused with 413, and nothing of the request goes anywhere."""

    def on_request(self, request: Request, context: FilterContext) -> "WholeBody":
        """The step that says so."""
        return self


RequestStep = Callable[[Request, FilterContext], "Reply | WholeBody | Awaitable[Reply | None] | None"]
"""Changes the request in place (a new list for `headers`, so that a retry can start from the old one).

A Reply ends the exchange; an awaitable suspends it. It runs in a task from its first step on, so that all of asyncio
can be used there, and has a time limit of the gateway's; a step that does not wait should return no awaitable. A step
that cannot do its work raises errors.FilterFailed.
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
