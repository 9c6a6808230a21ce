"""Services of Gateways: in front of the shared data plane, in front of one of their own, and the one that names them.

Static addresses: a Service of type LoadBalancer asks for the one that the Gateway names, by loadBalancerIP.
That field is deprecated, as its meaning differs between load balancers, but there is no other; externalIPs
would let whoever writes Gateways take traffic for any address.
"""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from proxy.resources.meta import ObjectKey
from proxy.resources.parameters import ServiceParameters
from proxy.translate.graph.gateway_services import static_addresses
from proxy.translate.graph.names import local_name, shared_name
from proxy.translate.graph.nodes import GatewayNode
from proxy.translate.graph.target_ports import Ports
from proxy.translate.infrastructure.objects import Generated, Object, Texts, metadata

SERVICE_NAME = "kubernetes.io/service-name"
SLICE_MANAGER = "endpointslice.kubernetes.io/managed-by"
FACE = "address"
"""The component that gives a Gateway a name in its own namespace."""


def front_service(
    node: GatewayNode, parameters: ServiceParameters, selector: Texts, ports: Ports, namespace: str, component: str
) -> Generated:
    """The Service that traffic comes through. `ports`: what it leads to, by declared port."""
    gateway = node.resource.key
    key = ObjectKey(namespace, shared_name(gateway))
    spec: Object = {"type": parameters.type, "selector": dict(selector), "ports": list(_ports(ports))}
    if parameters.load_balancer_class is not None:
        spec["loadBalancerClass"] = parameters.load_balancer_class
    if parameters.external_traffic_policy is not None:
        spec["externalTrafficPolicy"] = parameters.external_traffic_policy
    if parameters.type == "LoadBalancer" and len(wanted := static_addresses(node.resource)) == 1:
        spec["loadBalancerIP"] = wanted[0]
    meta = metadata(node, key, component=component, labels=parameters.labels, annotations=parameters.annotations)
    return Generated(gateway, {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})


def face(node: GatewayNode, addresses: Iterable[str], ports: Ports) -> Iterator[Generated]:
    """A headless Service without selector, in the Gateway's namespace: its name leads to the Gateway's addresses."""
    gateway = node.resource.key
    key = ObjectKey(gateway.namespace, local_name(gateway))
    spec = {"type": "ClusterIP", "clusterIP": "None", "ports": list(_ports(ports))}
    meta = metadata(node, key, component=FACE)
    yield Generated(gateway, {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
    versions = {4: "IPv4", 6: "IPv6"}
    usable = [address for address in addresses if _may_be_an_endpoint(address)]
    for version, family in versions.items():
        members = [address for address in usable if ip_address(address).version == version]
        if members:
            yield _slice(node, key, family, members, ports)


def _slice(node: GatewayNode, service: ObjectKey, family: str, addresses: list[str], ports: Ports) -> Generated:
    key = ObjectKey(service.namespace, f"{service.name}-{family.lower()}")
    meta = metadata(node, key, component=FACE)
    meta["labels"] |= {SERVICE_NAME: service.name, SLICE_MANAGER: "penstock.dev"}
    body: Object = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": meta,
        "addressType": family,
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
        "ports": [{key: port[key] for key in ("name", "port", "protocol")} for port in _ports(ports)],
    }
    return Generated(node.resource.key, body)


def _may_be_an_endpoint(address: str) -> bool:
    """The API server takes no loopback, link-local or multicast addresses there."""
    found = ip_address(address)
    return not (found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified)


def _ports(ports: Ports) -> Iterator[Object]:
    """Sorted; the names are made of what tells ports apart, as listeners may share one."""
    for (declared, transport), target in sorted(ports.items()):
        name = f"{transport.lower()}-{declared}"
        yield {"name": name, "port": declared, "protocol": transport, "targetPort": target}
