"""What a rule does to one request on its way to each of its backends: its filters, really run.

`snapshot.explain` tells where a request goes; this adds the heads on either side, which cases ask about.
"""

from collections.abc import Iterable
from inspect import isawaitable

from msgspec import Struct, field
from msgspec.structs import replace

from proxy.errors import FilterFailed
from proxy.filters import build_chain
from proxy.filters.base import FilterChain, FilterContext
from proxy.protocol.message import Headers, Reply, Request, Response
from proxy.snapshot.describe import text
from proxy.snapshot.question import Asked, as_received
from proxy.snapshot.route import BackendRef, Filter, Mirror, Rule
from proxy.snapshot.snapshot import Snapshot

Fields = dict[str, list[str]]
"""Lower-case name to its values, in order."""


class Way(Struct, frozen=True):
    """One thing that can become of a request: an answer of the gateway's own, or a backend."""

    percent: float
    backend: str = ""
    """NAMESPACE/NAME:PORT; "" when the rule answers before one is chosen."""
    status: int | None = None
    """Of the gateway's own answer; None: the backend answers."""
    reason: str = ""
    """Why it answers itself, when that is a fault."""
    location: str | None = None
    path: str = ""
    host: str = ""
    headers: Fields = field(default_factory=dict)
    """Of the request as it is forwarded, or of the gateway's own answer."""
    response_headers: Fields = field(default_factory=dict)
    """What filters put on a response without fields."""
    mirrors: dict[str, float] = field(default_factory=dict)
    """Backend to percent of the requests that are copied to it."""


def ways(snapshot: Snapshot, rule: Rule, asked: Asked, port: int) -> list[Way]:
    """All that can become of a request that `rule` takes, in the order of its backends; together 100 %."""
    request = as_received(asked, port)
    context = FilterContext(asked.scheme, port, asked.client)
    chain = build_chain(rule.filters)
    own = _filtered(chain, request, context)
    if own is not None:
        return [own]
    total = sum(ref.weight for ref in rule.backends)
    if not total:
        return [Way(100.0, status=500, reason="no backend")]
    mirrors = _mirrors(rule.filters)
    return [
        _way(snapshot, ref, 100 * ref.weight / total, chain, request.copy(), context, mirrors)
        for ref in rule.backends
        if ref.weight
    ]


def _way(
    snapshot: Snapshot,
    ref: BackendRef,
    percent: float,
    rule: FilterChain,
    request: Request,
    context: FilterContext,
    mirrors: dict[str, float],
) -> Way:
    status, reason = _unable(snapshot, ref)
    if status == 500:
        return Way(percent, ref.backend, status, reason)
    chain = build_chain(ref.filters)
    own = _filtered(chain, request, context)
    if own is not None:
        return replace(own, percent=percent, backend=ref.backend)
    response = Response()
    for step in (*chain.on_response, *rule.on_response):
        step(response, context)
    return Way(
        percent,
        ref.backend,
        status,
        reason,
        path=text(request.raw_path if request.query is None else request.raw_path + b"?" + request.query),
        host=text(dict(request.headers).get(b"host", b"")),
        headers=_fields(request.headers),
        response_headers=_fields(response.headers),
        mirrors=mirrors | _mirrors(ref.filters),
    )


def _unable(snapshot: Snapshot, ref: BackendRef) -> tuple[int | None, str]:
    """What the gateway answers in the place of a backend that cannot be asked, and why."""
    upstream = snapshot.upstreams.get(ref.upstream)
    invalid = ref.invalid or (upstream.invalid if upstream is not None else "")
    if invalid or upstream is None:
        return 500, invalid or "the backend is not known"
    return (None, "") if upstream.endpoints else (503, "no ready endpoint")


def _filtered(chain: FilterChain, request: Request, context: FilterContext) -> Way | None:
    """The answer of a filter, if one gives it; else `request` is as the filters leave it."""
    try:
        for step in chain.on_request:
            reply = step(request, context)
            if isinstance(reply, Reply):
                return _answer(chain, reply, context)
            if isawaitable(reply):
                _leave(reply)
    except FilterFailed as error:
        return Way(100.0, status=error.status, reason=error.reason)
    return None


def _answer(chain: FilterChain, reply: Reply, context: FilterContext) -> Way:
    for step in chain.on_reply:
        step(reply, context)
    fields = _fields(reply.headers)
    location = fields.get("location")
    return Way(100.0, status=reply.status, location=location[0] if location else None, headers=fields)


def _leave(waiting: object) -> None:
    """A filter that would ask somebody else is not waited for: nothing is sent anywhere."""
    close = getattr(waiting, "close", None)
    if close is not None:
        close()


def _mirrors(filters: Iterable[Filter]) -> dict[str, float]:
    return {one.backend: 100 * one.numerator / one.denominator for one in filters if isinstance(one, Mirror)}


def _fields(headers: Headers) -> Fields:
    fields: Fields = {}
    for name, value in headers:
        fields.setdefault(text(name), []).append(text(value))
    return fields
