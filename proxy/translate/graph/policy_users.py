"""Which Gateways use what a policy is for: the ancestors in its status."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from proxy.resources.l4routes import UDPRoute
from proxy.resources.meta import ObjectKey
from proxy.translate.graph.l4 import L4Graph
from proxy.translate.graph.nodes import AttachmentNode, BackendKey, RouteKey, RouteNode, Target
from proxy.translate.graph.policy_targets import Reach

Users = Mapping[ObjectKey, tuple[ObjectKey, ...]]
"""Policy (or XBackend) to Gateways, sorted; those that nobody uses are missing."""

Used = Mapping[Reach, Mapping[int, set[ObjectKey]]]
"""Backend (without a port) to the Gateways that lead to each of its ports; 0 where it has none."""


class Policy(Protocol):
    """What is known of a policy of whatever kind."""

    @property
    def targets(self) -> tuple[Reach, ...]: ...


def policy_users(policies: Mapping[ObjectKey, Policy], used: Used) -> Users:
    users = {key: _users(policy, used) for key, policy in policies.items()}
    return {key: tuple(sorted(gateways)) for key, gateways in users.items() if gateways}


def _users(policy: Policy, used: Used) -> set[ObjectKey]:
    found: set[ObjectKey] = set()
    for target in policy.targets:
        by_port = used.get(target._replace(port=0), {})
        found.update(*([by_port.get(target.port, ())] if target.port else by_port.values()))
    return found


def used_backends(routes: Mapping[RouteKey, RouteNode], attachments: Mapping[RouteKey, AttachmentNode]) -> Used:
    """A Gateway uses a backend through a route that attaches to it, be it to mirror requests there."""
    used: dict[Reach, dict[int, set[ObjectKey]]] = {}
    for key, route in routes.items():
        gateways = gateways_of(attachments[key])
        if gateways:
            for ref in _backends(route):
                by_port = used.setdefault(Reach(ref.group, ref.kind, ObjectKey(ref.namespace, ref.name)), {})
                by_port.setdefault(ref.port or 0, set()).update(gateways)
    return used


def _backends(route: RouteNode) -> Iterator[BackendKey]:
    return (key for key, target in references(route) if target.upstream)


def references(route: RouteNode) -> Iterator[tuple[BackendKey, Target]]:
    """All backends that a route names, those of filters included, and where that leads."""
    for rule in route.rules:
        yield from ((ref.key, ref.target) for ref in rule.backends)
        yield from ((ref.key, ref.target) for ref in rule.filter_backends)


def gateways_of(attachment: AttachmentNode) -> set[ObjectKey]:
    """Those that a route attaches to."""
    return {_gateway(listener) for parent in attachment.parents for listener in parent.listeners}


def _gateway(listener: str) -> ObjectKey:
    """ListenerNode.key begins with NAMESPACE/GATEWAY."""
    namespace, name, _ = listener.split("/", 2)
    return ObjectKey(namespace, name)


def with_l4(used: Used, l4: L4Graph) -> Used:
    """The same, and what TCPRoutes and TLSRoutes lead to by connections of our own making: neither datagrams nor
    somebody else's TLS are secured by a policy of ours.
    """
    found = {reach: {port: set(gateways) for port, gateways in ports.items()} for reach, ports in used.items()}
    for node, attachment in l4.attached():
        if isinstance(node.resource, UDPRoute):
            continue
        listeners = {listener for parent in attachment.parents for listener in parent.listeners} - l4.passing
        gateways = set(map(_gateway, listeners))
        for ref in node.backends if gateways else ():
            if ref.target.upstream:
                reach = Reach(ref.key.group, ref.key.kind, ObjectKey(ref.key.namespace, ref.key.name))
                found.setdefault(reach, {}).setdefault(ref.key.port or 0, set()).update(gateways)
    return found
