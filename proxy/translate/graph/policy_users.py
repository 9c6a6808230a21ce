"""Which Gateways use what a policy is for: the ancestors in its status."""

from collections.abc import Iterator, Mapping

from proxy.resources.meta import ObjectKey
from proxy.translate.graph.backendtls import PolicyNode
from proxy.translate.graph.nodes import AttachmentNode, BackendKey, RouteNode, Target

Users = Mapping[ObjectKey, tuple[ObjectKey, ...]]
"""Policy (or XBackend) to Gateways, sorted; those that nobody uses are missing."""

_Used = dict[ObjectKey, dict[int, set[ObjectKey]]]
"""Service to the Gateways that lead to each of its ports."""


def policy_users(
    policies: Mapping[ObjectKey, PolicyNode],
    routes: Mapping[ObjectKey, RouteNode],
    attachments: Mapping[ObjectKey, AttachmentNode],
) -> Users:
    """A Gateway uses a Service through a route that attaches to it, be it for copies of requests or questions."""
    if not policies:
        return {}
    used = _used(routes, attachments)
    users = {key: _users(policy, used) for key, policy in policies.items()}
    return {key: tuple(sorted(gateways)) for key, gateways in users.items() if gateways}


def _users(policy: PolicyNode, used: _Used) -> set[ObjectKey]:
    found: set[ObjectKey] = set()
    for service, port in policy.targets:
        by_port = used.get(service, {})
        found.update(*([by_port.get(port, ())] if port else by_port.values()))
    return found


def _used(routes: Mapping[ObjectKey, RouteNode], attachments: Mapping[ObjectKey, AttachmentNode]) -> _Used:
    used: _Used = {}
    for key, route in routes.items():
        gateways = gateways_of(attachments[key])
        if gateways:
            for ref in _services(route):
                by_port = used.setdefault(ObjectKey(ref.namespace, ref.name), {})
                by_port.setdefault(ref.port or 0, set()).update(gateways)
    return used


def _services(route: RouteNode) -> Iterator[BackendKey]:
    for key, target in references(route):
        if target.upstream and (key.group, key.kind) == ("", "Service"):
            yield key


def references(route: RouteNode) -> Iterator[tuple[BackendKey, Target]]:
    """All backends that a route names, those of mirrors included, and where that leads."""
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
