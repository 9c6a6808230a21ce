"""Scope: what one watch is about, and the kinds that are followed without being asked for."""

from typing import Final, NamedTuple

from proxy.resources.kinds import CORE, EXPERIMENTAL, GATEWAY, KINDS


class Scope(NamedTuple):
    """All objects of a kind, or those of a namespace, or one."""

    group: str
    kind: str
    namespace: str = ""
    """"" is all of them."""
    name: str = ""
    """"" is all of them."""


BY_NAME: Final = frozenset({"Secret", "ConfigMap"})
"""Core kinds of which only what something refers to is read: they hold what is nobody's business."""

WITH_STATUS: Final = frozenset(
    {
        *((GATEWAY, kind) for kind in ("GatewayClass", "Gateway", "ListenerSet", "BackendTLSPolicy")),
        *((GATEWAY, kind) for kind in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute")),
        *((EXPERIMENTAL, kind) for kind in ("XBackend", "XBackendTrafficPolicy")),
    }
)
"""Kinds whose status we write; of others no status is kept."""


def followed(namespaces: tuple[str, ...]) -> list[Scope]:
    """All kinds that are read whole: everywhere, or where they are namespaced in these namespaces."""
    return [
        Scope(group, kind, namespace)
        for (group, kind), known in KINDS.items()
        if not (group == CORE and kind in BY_NAME)
        for namespace in (namespaces if known.model.namespaced and namespaces else ("",))
    ]
