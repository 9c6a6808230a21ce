"""build_infrastructure: every object that is to be made in a cluster, for all Gateways."""

from collections.abc import Iterator

from proxy.translate.graph.build import Graph
from proxy.translate.graph.nodes import GatewayNode
from proxy.translate.graph.target_ports import Ports
from proxy.translate.infrastructure.dataplane import COMPONENT, deployment, service_account
from proxy.translate.infrastructure.objects import Generated, Infrastructure, selector_labels
from proxy.translate.infrastructure.services import face, front_service
from proxy.translate.settings import TranslateSettings


def build_infrastructure(graph: Graph, settings: TranslateSettings) -> Infrastructure:
    """Empty in file mode, where there is nobody to make it, and in a data plane of one Gateway's own."""
    if settings.file_mode or settings.only_gateway:
        return Infrastructure()
    settled = {key: node for key, node in graph.gateways.items() if _is_settled(node, settings)}
    objects = [made for node in settled.values() for made in _of_gateway(node, graph, settings)]
    return Infrastructure(tuple(objects), frozenset(settled))


def _is_settled(node: GatewayNode, settings: TranslateSettings) -> bool:
    """Whether we know what it needs. Without a port there is no Service to be had."""
    own = node.parameters.deployment
    imageless = own is not None and not (own.image or settings.image)
    return node.accepted and not imageless and bool(node.declared_ports)


def _of_gateway(node: GatewayNode, graph: Graph, settings: TranslateSettings) -> Iterator[Generated]:
    spec, key = node.parameters, node.resource.key
    declared = _declared(node)
    if spec.addresses is not None and spec.addresses.service:
        yield from face(node, node.addresses, declared)
    if spec.service is not None:
        ports = graph.placement.targets.get(key, {})
        if ports:
            yield front_service(node, spec.service, spec.service.selector, ports, settings.namespace, "service")
        yield from face(node, _inner(node), declared)
    if spec.deployment is not None:
        yield service_account(node, settings.namespace)
        yield deployment(node, spec.deployment, settings)
        selector = selector_labels(node.resource, COMPONENT)
        yield front_service(node, spec.deployment.service, selector, declared, settings.namespace, COMPONENT)
        yield from face(node, _inner(node), declared)


def _inner(node: GatewayNode) -> list[str]:
    """Its addresses that are IP addresses: a name has no place in a slice of them."""
    return [value for kind, value in node.published or () if kind == "IPAddress"]


def _declared(node: GatewayNode) -> Ports:
    """Each port to itself."""
    return {(port, transport): port for port, transport in node.declared_ports}
