"""HTTPRoutes and GRPCRoutes by themselves: are hostnames, matches, filters and backends sound?

One bad rule does not take down its route: it is dropped, which PartiallyInvalid says, and what it was
meant to answer gets 500 rather than the answer of a rule that was not meant for it.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from proxy.resources.duration import seconds
from proxy.resources.grpcroute import GRPCRoute, GRPCRouteMatch, as_httproute
from proxy.resources.httproute import (
    HTTPBackendRef,
    HTTPRoute,
    HTTPRouteFilter,
    HTTPRouteMatch,
    HTTPRouteRule,
    HTTPRouteTimeouts,
)
from proxy.resources.meta import BackendObjectReference
from proxy.translate.graph.backends import Backends
from proxy.translate.graph.conditions import Finding, Findings, advice, unsupported_value
from proxy.translate.graph.extensions import ExtensionKey, Extensions
from proxy.translate.graph.filters import check_filters
from proxy.translate.graph.listeners import is_hostname
from proxy.translate.graph.matches import CheckRegex, check_match
from proxy.translate.graph.nodes import (
    BackendKey,
    BackendRefNode,
    ExtensionNode,
    FilterBackendNode,
    MatchNode,
    RouteNode,
    RuleNode,
)
from proxy.translate.graph.parents import wants_defaults
from proxy.translate.graph.sessions import Declared, SessionNode, session_findings, session_of

MAX_WEIGHT = 1_000_000
Matches = tuple[HTTPRouteMatch | GRPCRouteMatch, ...]
_EVERYTHING: dict[type, Matches] = {HTTPRoute: (HTTPRouteMatch(),), GRPCRoute: (GRPCRouteMatch(),)}
"""What a rule without matches matches."""
_REFERRERS = {
    HTTPRoute: BackendKey("", "", "", "", "", None),
    GRPCRoute: BackendKey("", "", "", "", "", None, "GRPCRoute", "h2"),
}
"""What a reference of a route begins as: who refers, and what it needs of the backend."""


class Checks(NamedTuple):
    """What a route is checked against."""

    backends: Backends
    extensions: Extensions
    check_regex: CheckRegex

    @property
    def unchanged(self) -> bool:
        """All references lead where they led in the previous translation."""
        return self.backends.unchanged and self.extensions.unchanged


def check_route(route: HTTPRoute | GRPCRoute, checks: Checks) -> RouteNode:
    """Looks at nothing but the route and what its references lead to."""
    who = _REFERRERS[type(route)]._replace(from_namespace=route.metadata.namespace)
    shown = as_httproute(route) if isinstance(route, GRPCRoute) else route
    matches: list[Matches] = [rule.matches or _EVERYTHING[type(route)] for rule in route.spec.rules]
    rules = tuple(_rule(i, rule, matches[i], who, checks) for i, rule in enumerate(shown.spec.rules))
    hostnames = tuple(name.lower().encode() for name in route.spec.hostnames if is_hostname(name.lower()))
    return RouteNode(
        resource=route,
        rules=rules,
        hostnames=hostnames,
        findings=(*_route_findings(route), *(finding for rule in rules for finding in rule.findings)),
        accepted=bool(hostnames or not route.spec.hostnames) and (not rules or any(rule.valid for rule in rules)),
    )


def still_holds(node: RouteNode, checks: Checks) -> bool:
    """Its references lead where they led, and the policies of its backends say the same of its sessions."""
    backends = checks.backends
    refs = ((ref.key, ref.target) for rule in node.rules for ref in rule.backends)
    others = ((ref.key, ref.target) for rule in node.rules for ref in rule.filter_backends)
    extensions = (ref for rule in node.rules for ref in rule.extensions)
    return (
        all(backends.resolve(key) == target for key, target in chain(refs, others))
        and all(checks.extensions.resolve(ref.key) == ref.target for ref in extensions)
        and all(_session(rule.rule, rule.backends, backends) == rule.session for rule in node.rules)
    )


def _route_findings(route: HTTPRoute | GRPCRoute) -> Iterator[Finding]:
    spec = route.spec
    for i, hostname in enumerate(spec.hostnames):
        if not is_hostname(hostname.lower()):
            yield unsupported_value(
                f"spec.hostnames[{i}]", f"{hostname!r} is not a hostname", "write a DNS name or *.example.com"
            )
    if not spec.parent_refs and not wants_defaults(route):
        yield advice("spec.parentRefs", "the route names no parent, so nothing serves it", "name a Gateway")
    if not spec.rules:
        hint = "add a rule" if isinstance(route, GRPCRoute) else "leave it out to match all"
        yield advice("spec.rules", "the list is empty, so the route matches nothing", hint)


# --- rules ------------------------------------------------------------------------------------


def _rule(index: int, rule: HTTPRouteRule, declared: Matches, who: BackendKey, checks: Checks) -> RuleNode:
    field = f"spec.rules[{index}]"
    matches, findings = _matches(field, declared, checks.check_regex)
    refs = tuple(_backend_ref(ref, who, checks.backends) for ref in rule.backend_refs)
    others = tuple(_filter_backends(field, rule, who, checks.backends))
    extensions = tuple(_extensions(field, rule, who.from_namespace, checks.extensions))
    session = _session(rule, refs, checks.backends)
    one_prefix = [match.path.type for match in rule.matches or (HTTPRouteMatch(),)] == ["PathPrefix"]
    findings += (
        *(check_filters(f"{field}.filters", rule.filters, one_prefix=one_prefix) if rule.filters else ()),
        *_backend_findings(field, refs, one_prefix),
        *(other.target.broken.at(at) for at, other in others if other.target.broken is not None),
        *(found.target.finding.under(at) for at, found in extensions if found.target.finding is not None),
        *_rule_findings(field, rule, _answers(field, extensions)),
        *session_findings(field, session),
    )
    return RuleNode(
        index,
        rule,
        matches,
        refs,
        findings,
        tuple(other for _, other in others),
        tuple(found for _, found in extensions),
        session,
    )


def _matches(field: str, declared: Matches, check_regex: CheckRegex) -> tuple[tuple[MatchNode, ...], Findings]:
    """The matches that can be evaluated, and what is wrong with the others."""
    sound: list[MatchNode] = []
    findings: list[Finding] = []
    for i, match in enumerate(declared):
        wrong = list(check_match(f"{field}.matches[{i}]", match, check_regex))
        findings += wrong
        if not wrong:
            sound.append(MatchNode(i, match))
    return tuple(sound), tuple(findings)


def _answers(field: str, extensions: Iterable[tuple[str, ExtensionNode]]) -> bool:
    """A filter of the rule itself answers every request, or will once it is there."""
    kinds = (found.key.extension for at, found in extensions if at.startswith(f"{field}.filters["))
    return any(kind is not None and kind.answers for kind in kinds)


def _rule_findings(field: str, rule: HTTPRouteRule, answers: bool) -> Iterator[Finding]:
    """`answers`: a filter of it that is no redirect answers every request."""
    redirects = any(item.type == "RequestRedirect" for item in rule.filters)
    if redirects and rule.backend_refs:
        yield unsupported_value(
            f"{field}.backendRefs", "RequestRedirect answers by itself, so backendRefs cannot be used", "remove one"
        )
    if not redirects and not answers and not any(ref.weight for ref in rule.backend_refs):
        why = "all weights are 0" if rule.backend_refs else "it has no backendRefs"
        yield advice(f"{field}.backendRefs", f"requests to this rule get 500: {why}", "add a backendRef")
    if rule.timeouts is not None:
        yield from _timeouts(f"{field}.timeouts", rule.timeouts)


def _timeouts(field: str, timeouts: HTTPRouteTimeouts) -> Iterator[Finding]:
    """0 is no limit, so a backendRequest within it may be as long as it likes (HTTPRouteTimeouts, CEL rule)."""
    request, attempt = timeouts.request, timeouts.backend_request
    if request and attempt and 0 < seconds(request) < seconds(attempt):
        yield unsupported_value(
            f"{field}.backendRequest",
            f"{attempt} is longer than the whole request may take ({request})",
            "lower backendRequest, or raise request",
        )


# --- backends ---------------------------------------------------------------------------------


def _backend_ref(ref: HTTPBackendRef, who: BackendKey, backends: Backends) -> BackendRefNode:
    key = _key(ref, who)
    return BackendRefNode(key, ref.weight, backends.resolve(key), ref.filters)


def _session(rule: HTTPRouteRule, refs: tuple[BackendRefNode, ...], backends: Backends) -> SessionNode | None:
    if rule.session_persistence is None and not backends.traffic.declared:
        return None
    found = ((i, backends.policy_of(ref.key)) for i, ref in enumerate(refs) if ref.target.upstream)
    return session_of(
        rule,
        [
            Declared(i, str(node.resource.key), node.session)
            for i, node in found
            if node is not None and node.session is not None
        ],
    )


def _key(ref: BackendObjectReference, who: BackendKey) -> BackendKey:
    return who._replace(
        group=ref.group, kind=ref.kind, namespace=ref.namespace or who.from_namespace, name=ref.name, port=ref.port
    )


def _filter_backends(
    field: str, rule: HTTPRouteRule, who: BackendKey, backends: Backends
) -> Iterator[tuple[str, FilterBackendNode]]:
    """(field of the reference, where it leads) of all filters that send requests of their own."""
    for at, item in _all_filters(field, rule):
        found = _named_backend(item)
        if found is not None:
            name, ref = found
            key = _key(ref, who)
            yield f"{at}.{name}.backendRef", FilterBackendNode(ref, key, backends.resolve(key))


def _named_backend(item: HTTPRouteFilter) -> tuple[str, BackendObjectReference] | None:
    if item.type == "RequestMirror" and item.request_mirror is not None:
        return "requestMirror", item.request_mirror.backend_ref
    if item.type == "ExternalAuth" and item.external_auth is not None:
        return "externalAuth", item.external_auth.backend_ref
    return None


def _extensions(
    field: str, rule: HTTPRouteRule, namespace: str, extensions: Extensions
) -> Iterator[tuple[str, ExtensionNode]]:
    """(field of the filter, where its reference leads)."""
    for at, item in _all_filters(field, rule):
        if item.type == "ExtensionRef" and item.extension_ref is not None:
            ref = item.extension_ref
            key = ExtensionKey(ref.group, ref.kind, namespace, ref.name)
            yield at, ExtensionNode(ref, key, extensions.resolve(key))


def _all_filters(field: str, rule: HTTPRouteRule) -> Iterator[tuple[str, HTTPRouteFilter]]:
    """Of the rule, then of its backends, each with its field."""
    lists = [(field, rule.filters)]
    lists += [(f"{field}.backendRefs[{i}]", ref.filters) for i, ref in enumerate(rule.backend_refs)]
    for at, filters in lists:
        yield from ((f"{at}.filters[{i}]", item) for i, item in enumerate(filters))


def _backend_findings(field: str, refs: tuple[BackendRefNode, ...], one_prefix: bool) -> Iterator[Finding]:
    for i, ref in enumerate(refs):
        at = f"{field}.backendRefs[{i}]"
        if ref.target.broken is not None:
            yield ref.target.broken.at(at)
        if not 0 <= ref.weight <= MAX_WEIGHT:
            yield unsupported_value(f"{at}.weight", f"{ref.weight} is not a weight", f"use 0 to {MAX_WEIGHT}")
        if ref.filters:
            yield from check_filters(f"{at}.filters", ref.filters, one_prefix=one_prefix)
