"""Routes that would take a request but are attached to nothing that could bring it to them, and why they are not."""

from collections.abc import Iterator
from typing import NamedTuple

from proxy.routing.hostname import covers
from proxy.routing.places import Question, first_failure
from proxy.routing.precedence import Key, sort_key
from proxy.snapshot.describe import match_data, text
from proxy.snapshot.route import Entry, RouteMatch, Rule
from proxy.translate.compile.routes import compile_match
from proxy.translate.explain.scene import Data, Stage
from proxy.translate.graph.age import created
from proxy.translate.graph.conditions import ACCEPTED, Finding, of_type
from proxy.translate.graph.nodes import AttachmentNode, GatewayNode, ListenerSetNode, MatchNode, RouteNode, RuleNode
from proxy.translate.graph.parents import FIELD as USE_DEFAULT_GATEWAYS

AT_MOST = 3
"""How many are told."""


class Unattached(NamedTuple):
    """One match that would take the request."""

    route: RouteNode
    rule: RuleNode
    match: MatchNode
    hostname: bytes
    """Of the route's own the one that covers the host."""
    parent: str
    """Kind NAMESPACE/NAME of the parent that does not have it; "" for none."""
    finding: Finding
    key: Key
    """Its place in the order of precedence, if it were attached."""


def find_unattached(stage: Stage, question: Question) -> list[Unattached]:
    """The first in order of precedence first."""
    found = [one for route in stage.graph.routes.values() for one in _of_route(stage, route, question)]
    return sorted(found, key=lambda one: one.key)


def _of_route(stage: Stage, route: RouteNode, question: Question) -> Iterator[Unattached]:
    """Its first match that takes the request."""
    attachment = stage.graph.attachments[route.key]
    if attachment.places:
        return
    hostname = next((own for own in route.hostnames or (b"",) if covers(own, question.host)), None)
    if hostname is None:
        return
    why = _why(route, attachment, stage)
    if why is None:
        return
    for rule in route.rules:
        for match in rule.matches:
            compiled = compile_match(match.match)
            if not first_failure(compiled, question):
                key = _key(route, rule, match.index, compiled, hostname)
                yield Unattached(route, rule, match, hostname, *why, key)
                return


def _why(route: RouteNode, attachment: AttachmentNode, stage: Stage) -> tuple[str, Finding] | None:
    """(parent, finding): the parents' reasons first, then those of the route itself."""
    for parent in attachment.parents:
        if parent.finding is not None:
            namespace = parent.ref.namespace or route.resource.metadata.namespace
            return f"{parent.ref.kind} {namespace}/{parent.ref.name}", parent.finding
    refusals = of_type(route.findings, ACCEPTED)
    if refusals and not route.accepted:
        return "", refusals[0]
    for finding in (*attachment.advice, *route.findings):
        if finding.field.startswith(("spec.parentRefs", USE_DEFAULT_GATEWAYS)):
            return "", finding
    return _not_served(attachment, stage)


def _not_served(attachment: AttachmentNode, stage: Stage) -> tuple[str, Finding] | None:
    """It is attached, but to listeners that are not served."""
    for parent in attachment.parents:
        for key in parent.listeners:
            finding = _of_listener(key, stage)
            return f"listener {key}", finding or Finding("Programmed", "NotServed", "", "the listener is not served")
    return None


def _of_listener(key: str, stage: Stage) -> Finding | None:
    owners: list[GatewayNode | ListenerSetNode] = [*stage.graph.gateways.values()]
    owners += stage.graph.listener_sets.nodes.values()
    for owner in owners:
        for listener in owner.listeners:
            if listener.key == key:
                return next(iter((*listener.findings, *owner.findings)), None)
    return None


def _key(route: RouteNode, rule: RuleNode, index: int, match: RouteMatch, hostname: bytes) -> Key:
    bare = Rule(str(route.resource.key), rule.index, kind=route.key.kind, created=created(route.resource))
    return sort_key(hostname, Entry(match, 0, index, hostname), bare)


def near_miss_data(one: Unattached, stage: Stage) -> Data:
    """In the form of the other near misses; `failed` is "attachment"."""
    reason = one.finding.reason or "no parent"
    where = f" to {one.parent}" if one.parent else ""
    return {
        "kind": one.route.key.kind,
        "route": str(one.route.resource.key),
        "rule": one.rule.index,
        "rule_name": one.rule.rule.name or None,
        "match": one.match.index,
        "listener": None,
        "hostname": text(one.hostname) or "*",
        "conditions": match_data(compile_match(one.match.match)),
        "failed": "attachment",
        "detail": f"it would match, but is not attached{where}: {reason}: {one.finding.message}",
        "expected": one.parent or None,
        "found": one.finding.reason or None,
        "hint": one.finding.hint or None,
        "from": stage.origins.of(one.route.resource, one.finding.field),
    }
