"""Rules of HTTPRoutes and GRPCRoutes to snapshot rules.

Knows nothing of listeners, so a route is compiled once for all.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from msgspec import Struct

from proxy.resources.duration import seconds
from proxy.resources.grpcroute import GRPCRouteMatch
from proxy.resources.httproute import (
    HTTPHeaderMatch,
    HTTPQueryParamMatch,
    HTTPRouteMatch,
    HTTPRouteRetry,
    HTTPRouteTimeouts,
)
from proxy.snapshot.route import (
    BackendRef,
    CallMatch,
    ExternalAuth,
    Mirror,
    PathKind,
    Retry,
    RouteMatch,
    Rule,
    Timeouts,
    ValueMatch,
)
from proxy.translate.compile.filters import INVALID, References, compile_filters
from proxy.translate.compile.octets import octets
from proxy.translate.compile.sessions import compile_session
from proxy.translate.graph.age import created
from proxy.translate.graph.nodes import BackendRefNode, RouteNode, RuleNode

_PATH_KINDS: dict[str, PathKind] = {"Exact": "exact", "PathPrefix": "prefix", "RegularExpression": "regex"}


class CompiledMatch(NamedTuple):
    """An entry before it has a bucket."""

    rule: int
    """Index into `CompiledRoute.rules`."""
    match_index: int
    match: RouteMatch


class CompiledRoute(Struct, frozen=True, eq=False, gc=False):
    """The rules and matches of one route. Compared by identity: the same while its node is the same."""

    node: RouteNode
    rules: tuple[Rule, ...]
    matches: tuple[CompiledMatch, ...]
    upstreams: tuple[str, ...]
    seated: tuple[str, ...] = ()
    """Those of them that rules with session persistence choose among."""


def compile_route(node: RouteNode) -> CompiledRoute:
    """Rules without any match that could be evaluated are left out."""
    served = [rule for rule in node.rules if rule.matches]
    rules = tuple(_rule(node, rule) for rule in served)
    matches = tuple(
        CompiledMatch(position, match.index, compile_match(match.match))
        for position, rule in enumerate(served)
        for match in rule.matches
    )
    upstreams = tuple(key for rule in rules for key in _upstreams(rule))
    seated = tuple(ref.upstream for rule in rules if rule.session for ref in rule.backends if ref.upstream)
    return CompiledRoute(node, rules, matches, upstreams, seated)


def _upstreams(rule: Rule) -> Iterator[str]:
    """Of its backends and of what its filters send to."""
    filters = list(rule.filters)
    for ref in rule.backends:
        filters += ref.filters
        if ref.upstream:
            yield ref.upstream
    yield from (one.upstream for one in filters if isinstance(one, Mirror | ExternalAuth))


def _rule(node: RouteNode, rule: RuleNode) -> Rule:
    """A refused rule keeps its place and answers 500, see `graph.routes`."""
    match = rule.matches[0].match
    prefix = b"" if isinstance(match, GRPCRouteMatch) else octets(match.path.value)
    refs = References.of(rule)
    return Rule(
        route=str(node.resource.key),
        index=rule.index,
        name=rule.rule.name or "",
        kind=node.key.kind,
        created=created(node.resource),
        filters=compile_filters(rule.rule.filters, prefix, refs) if rule.valid else (INVALID,),
        backends=tuple(_backend(ref, prefix, refs) for ref in rule.backends) if rule.valid else (),
        timeouts=_timeouts(rule.rule.timeouts),
        retry=_retry(rule.rule.retry),
        session=compile_session(node, rule) if rule.valid else None,
    )


def _timeouts(timeouts: HTTPRouteTimeouts | None) -> Timeouts | None:
    if timeouts is None or (timeouts.request is None and timeouts.backend_request is None):
        return None
    return Timeouts(seconds(timeouts.request or ""), seconds(timeouts.backend_request or ""))


def _retry(retry: HTTPRouteRetry | None) -> Retry | None:
    """What the route leaves out is the implementation's choice (HTTPRouteRetry): the defaults of `Retry`."""
    if retry is None:
        return None
    given: dict[str, Any] = {}
    if retry.attempts is not None:
        given["attempts"] = retry.attempts
    if retry.backoff is not None:
        given["backoff"] = seconds(retry.backoff)
    return Retry(tuple(dict.fromkeys(retry.codes)), **given)


def _backend(ref: BackendRefNode, prefix: bytes, refs: References) -> BackendRef:
    return BackendRef(
        backend=ref.key.label,
        weight=ref.weight,
        upstream=ref.target.upstream,
        invalid=ref.target.broken.reason if ref.target.broken else "",
        filters=compile_filters(ref.filters, prefix, refs),
    )


# --- matches ----------------------------------------------------------------------------------


def compile_match(match: HTTPRouteMatch | GRPCRouteMatch) -> RouteMatch:
    """Of equal names the first counts."""
    if isinstance(match, GRPCRouteMatch):
        return _call(match)
    return RouteMatch(
        path=octets(match.path.value),
        path_kind=_PATH_KINDS[match.path.type],
        method=octets(match.method or ""),
        headers=tuple(_headers(match.headers)) if match.headers else (),
        query=tuple(_parameters(match.query_params)) if match.query_params else (),
    )


def _call(match: GRPCRouteMatch) -> RouteMatch:
    """What is not a path or the beginning of one becomes a pattern; a name of either kind has no slash."""
    call = CallMatch()
    if match.method is not None:
        service, method = octets(match.method.service or ""), octets(match.method.method or "")
        call = CallMatch(service, method, match.method.type == "RegularExpression")
    path, kind = _call_path(call)
    return RouteMatch(path, kind, headers=tuple(_headers(match.headers)), call=call)


def _call_path(call: CallMatch) -> tuple[bytes, PathKind]:
    service, method, regex = call.service, call.method, call.regex
    if service and not regex:
        return (b"/%b/%b" % (service, method), "exact") if method else (b"/" + service, "prefix")
    if not service and not method:
        return b".*", "call"
    # An expression matches a whole name, and an alternative in it ends with it.
    wanted = (b"(?:%b)" % name if name else b"[^/]+" for name in (service, method))
    return b"/" + b"/".join(wanted), "call"


def _headers(headers: Iterable[HTTPHeaderMatch]) -> Iterator[ValueMatch]:
    """Of equal names, case aside, the first counts (HTTPHeaderMatch.name)."""
    seen: set[bytes] = set()
    for header in headers:
        name = octets(header.name.lower())
        if name not in seen:
            seen.add(name)
            yield ValueMatch(name, octets(header.value), header.type == "RegularExpression")


def _parameters(parameters: Iterable[HTTPQueryParamMatch]) -> Iterator[ValueMatch]:
    """Of equal names the first counts (HTTPQueryParamMatch.name)."""
    seen: set[bytes] = set()
    for parameter in parameters:
        name = octets(parameter.name)
        if name not in seen:
            seen.add(name)
            yield ValueMatch(name, octets(parameter.value), parameter.type == "RegularExpression")
