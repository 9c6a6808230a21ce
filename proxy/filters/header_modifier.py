"""RequestHeaderModifier and ResponseHeaderModifier: set, then add, then remove, as the API lists them.

`set` replaces every value of a name, `add` appends after those there are, `remove` deletes; names are
compared without case (they are lower-case here). Three things a modifier cannot do:

- change how a message is framed or what holds for one connection only (RFC 9110 section 7.6.1): those
  fields are ours to write, and a wrong one would let two requests run into each other. Such a name is
  passed over;
- leave a request without Host or give it two: for `host`, `add` does what `set` does and `remove` nothing
  (RFC 9112 section 3.2);
- put a line break into a value: it becomes a space (RFC 9110 section 5.5).
"""

from collections.abc import Iterable

from proxy.filters.base import FilterChain, FilterContext, field_value
from proxy.protocol.message import Headers, Request, Response
from proxy.snapshot.route import HeaderModifier

RESERVED = frozenset(
    {
        b"connection",
        b"content-length",
        b"expect",
        b"http2-settings",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Framing and hop-by-hop fields, which no modifier touches."""

Fields = tuple[tuple[bytes, bytes], ...]


def build(spec: HeaderModifier) -> FilterChain:
    """The chain of one modifier, on requests or on responses."""
    if spec.on == "request":
        return FilterChain(on_request=(RequestHeaders(spec).on_request,))
    return FilterChain(on_response=(ResponseHeaders(spec).on_response,))


class RequestHeaders:
    """A modifier of requests."""

    __slots__ = ("_change",)

    def __init__(self, spec: HeaderModifier) -> None:
        host = tuple(field for field in spec.add if field[0] == b"host")
        self._change = Change(
            set=(*spec.set, *host),
            add=(field for field in spec.add if field[0] != b"host"),
            remove=(name for name in spec.remove if name != b"host"),
        )

    def on_request(self, request: Request, context: FilterContext) -> None:
        request.headers = self._change.applied(request.headers)


class ResponseHeaders:
    """A modifier of responses."""

    __slots__ = ("_change",)

    def __init__(self, spec: HeaderModifier) -> None:
        self._change = Change(spec.set, spec.add, spec.remove)

    def on_response(self, response: Response, context: FilterContext) -> None:
        response.headers = self._change.applied(response.headers)


class Change:
    """What is left out of a header section and what is put at its end."""

    __slots__ = ("_appended", "_dropped")

    def __init__(
        self, set: Iterable[tuple[bytes, bytes]], add: Iterable[tuple[bytes, bytes]], remove: Iterable[bytes]
    ) -> None:
        values = _safe(dict(set).items())
        removed = frozenset(remove) - RESERVED
        self._dropped = removed | {name for name, _ in values}
        self._appended = [field for field in (*values, *_safe(add)) if field[0] not in removed]

    def applied(self, headers: Headers) -> Headers:
        """A new header section; the one given stays as it is, so that a retry starts from it."""
        dropped = self._dropped
        if not dropped:
            return headers + self._appended
        return [field for field in headers if field[0] not in dropped] + self._appended


def _safe(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    return tuple((name, field_value(value)) for name, value in fields if name not in RESERVED)
