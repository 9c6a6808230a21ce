"""What is served below HTTP: TCPRoutes, TLSRoutes and UDPRoutes, and where each is attached."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from proxy.resources.store import ResourceSet
from proxy.translate.graph.attach import Admission, attach
from proxy.translate.graph.backends import Backends
from proxy.translate.graph.l4_routes import Key, check_l4_routes
from proxy.translate.graph.nodes import AttachmentNode, L4RouteNode, ListenerNode


class L4Graph(Struct, frozen=True):
    """Beside the HTTP part of the graph: the two share listeners, backends and who may attach where."""

    routes: Mapping[Key, L4RouteNode]
    attachments: Mapping[Key, AttachmentNode]
    passing: frozenset[str] = frozenset()
    """Keys of the listeners that pass TLS on without ending it."""

    def attached(self) -> Iterator[tuple[L4RouteNode, AttachmentNode]]:
        """Every route with what it attaches to."""
        return ((node, self.attachments[key]) for key, node in self.routes.items())


NOTHING = L4Graph({}, {})


def build_l4(
    resources: ResourceSet,
    backends: Backends,
    admission: Admission,
    previous: L4Graph | None,
    *,
    listeners: Iterable[ListenerNode],
    same_admission: bool,
    advise: bool,
) -> L4Graph:
    """`same_admission`: every route attaches to what it attached to in the translation before."""
    known = previous or NOTHING
    routes = check_l4_routes(resources, backends, known.routes)
    attachments = {
        key: known.attachments[key]
        if same_admission and known.routes.get(key) is node
        else attach(node, admission, advise=advise)
        for key, node in routes.items()
    }
    passing = (node.key for node in listeners if node.spec.protocol == "TLS" and not node.secure)
    return L4Graph(routes, attachments, frozenset(passing))
