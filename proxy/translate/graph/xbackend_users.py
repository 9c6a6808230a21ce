"""Which Gateways lead to which XBackends: the parents in their statuses."""

from collections.abc import Mapping

from proxy.resources.meta import ObjectKey
from proxy.resources.xbackend import GROUP
from proxy.translate.graph.nodes import AttachmentNode, RouteKey, RouteNode
from proxy.translate.graph.policy_users import Users, gateways_of, references


def xbackend_users(
    declared: Mapping[ObjectKey, object],
    routes: Mapping[RouteKey, RouteNode],
    attachments: Mapping[RouteKey, AttachmentNode],
) -> Users:
    """Through a route that attaches, be it to mirror requests there, and whether the reference can be followed or not;
    but not from where it is not permitted, as that is nobody's business there."""
    if not declared:
        return {}
    users: dict[ObjectKey, set[ObjectKey]] = {}
    for key, route in routes.items():
        gateways = gateways_of(attachments[key])
        for at in _named(route) & declared.keys() if gateways else ():
            users.setdefault(at, set()).update(gateways)
    return {key: tuple(sorted(gateways)) for key, gateways in users.items()}


def _named(route: RouteNode) -> set[ObjectKey]:
    return {
        ObjectKey(key.namespace, key.name)
        for key, target in references(route)
        if (key.group, key.kind) == (GROUP, "XBackend")
        and not (target.broken is not None and target.broken.part == "namespace")
    }
