"""Where each Gateway is bound and found, in the way its parameters choose.

none                  bound where --address says, or on the addresses it names
addresses             one address for each Gateway from a pool, bound here
service               every address, on target ports that the Gateway's own Service leads to
deployment            not here: a data plane of its own binds it, behind its own Service
"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address

from msgspec import Struct
from msgspec.structs import replace

from proxy.resources.core import EndpointSlice
from proxy.resources.gateway import Gateway
from proxy.resources.meta import ObjectKey
from proxy.resources.ranges import parse_range
from proxy.resources.store import ResourceSet
from proxy.translate.graph import address_conditions as c
from proxy.translate.graph.conditions import Finding
from proxy.translate.graph.gateway_services import (
    is_taken,
    leading_elsewhere,
    made_service,
    published,
    ready_services,
    service_findings,
)
from proxy.translate.graph.names import shared_name
from proxy.translate.graph.nodes import GatewayNode, Published
from proxy.translate.graph.pool import Allocation, Claim, Given, Memory, canonical, recall
from proxy.translate.graph.target_ports import PortClaim, Ports, decide, standing
from proxy.translate.settings import TranslateSettings

Nodes = dict[ObjectKey, GatewayNode]


class Placement(Struct, frozen=True):
    """All Gateways with their addresses, and what the next translation must know of this one."""

    nodes: Nodes
    addresses: Memory
    """From pools, and by value beside them."""
    targets: Mapping[ObjectKey, Ports]
    """What the Services in front of the shared data plane should say."""


EMPTY = Placement({}, {}, {})


def place_gateways(
    gateways: Mapping[ObjectKey, GatewayNode],
    resources: ResourceSet,
    settings: TranslateSettings,
    *,
    held: Memory,
    told: Memory,
    previous: Placement = EMPTY,
) -> Placement:
    """`gateways` the most senior first. `held`: what statuses named when they were first seen. `told`: what statuses
    name now, where another replica decides."""
    if settings.only_gateway:
        return Placement({key: replace(node, addresses=("",)) for key, node in gateways.items()}, {}, {})
    nodes = {key: _by_default(node, settings) for key, node in gateways.items()}
    ways: dict[str, Nodes] = {"addresses": {}, "service": {}, "deployment": {}}
    for key, node in nodes.items():
        if node.accepted and (way := node.way) in ways:
            ways[way][key] = node
    pooled, addresses = _from_pools(ways["addresses"], nodes, recall(held, previous.addresses, told))
    shared, targets = _behind_services(ways["service"], resources, settings, previous.targets)
    dedicated = _elsewhere(ways["deployment"], resources, settings)
    return Placement({**nodes, **pooled, **shared, **dedicated}, addresses, targets)


# --- none -------------------------------------------------------------------------------------


def _by_default(node: GatewayNode, settings: TranslateSettings) -> GatewayNode:
    if node.way:
        return replace(node, addresses=())
    addresses = _named_addresses(node.resource, settings.address)
    everywhere = "" in addresses and bool(settings.publish)
    found = tuple(
        Published("IPAddress", each) for each in dict.fromkeys(each or settings.publish for each in addresses)
    )
    return replace(node, addresses=addresses, published=found if everywhere else None)


def _named_addresses(gateway: Gateway, default: str) -> tuple[str, ...]:
    """In canonical spelling and without repeats; addresses that are refused are left out."""
    if not gateway.spec.addresses:
        return (default,)
    wanted = [each.value or default for each in gateway.spec.addresses if each.type == "IPAddress"]
    return tuple(dict.fromkeys(canonical(value) for value in wanted if not value or canonical(value)))


# --- addresses --------------------------------------------------------------------------------


def _from_pools(members: Nodes, everyone: Nodes, memory: Memory) -> tuple[Nodes, Memory]:
    """A Gateway that is refused for now is remembered, and what it had is nobody else's until it is gone."""
    absent = {key: memory[key] for key, node in everyone.items() if not node.accepted and key in memory}
    claims = [_claim(key, node) for key, node in members.items()]
    given = Allocation(claims, memory, {address for had in absent.values() for address in had}).result()
    nodes = {claim.gateway: _placed(members[claim.gateway], claim, given[claim.gateway]) for claim in claims}
    return nodes, absent | {key: node.addresses for key, node in nodes.items()}


def _claim(key: ObjectKey, node: GatewayNode) -> Claim:
    pool = node.parameters.addresses.pool if node.parameters.addresses else ()
    wanted = [canonical(each.value) if each.value else "" for each in node.resource.spec.addresses]
    return Claim(key, tuple(wanted) or ("",), tuple(map(parse_range, pool)))


def _placed(node: GatewayNode, claim: Claim, given: Sequence[Given]) -> GatewayNode:
    addresses = tuple(dict.fromkeys(each.address for each in given if each.address))
    refusals = tuple(_refusals(node, claim, given))
    return replace(node, addresses=addresses, findings=(*node.findings, *refusals))


def _refusals(node: GatewayNode, claim: Claim, given: Sequence[Given]) -> Iterator[Finding]:
    for i, each in enumerate(given):
        field = f"spec.addresses[{i}]" if node.resource.spec.addresses else ""
        if each.refusal == "taken":
            yield c.address_taken(f"{field}.value", claim.wanted[i])
        elif each.refusal == "exhausted" and node.parameters.addresses:
            yield c.pool_exhausted(field, node.parameters.addresses.pool)


# --- service ----------------------------------------------------------------------------------


def _behind_services(
    members: Nodes, resources: ResourceSet, settings: TranslateSettings, before: Mapping[ObjectKey, Ports]
) -> tuple[Nodes, Mapping[ObjectKey, Ports]]:
    if settings.file_mode or not members:
        return {key: _with(node, [c.cluster_only("service")]) for key, node in members.items()}, {}
    claims = [_port_claim(key, node, resources, settings) for key, node in members.items()]
    now = standing(claims)
    nodes = {
        claim.gateway: _shared(members[claim.gateway], claim, now[claim.gateway], resources, settings)
        for claim in claims
    }
    own = frozenset(ObjectKey(settings.namespace, shared_name(key)) for key in members)
    return nodes, decide(claims, now, before, leading_elsewhere(resources, settings.namespace, own))


def _port_claim(key: ObjectKey, node: GatewayNode, resources: ResourceSet, settings: TranslateSettings) -> PortClaim:
    parameters = node.parameters.service
    assert parameters is not None
    service = made_service(resources, ObjectKey(settings.namespace, shared_name(key)), key)
    return PortClaim(key, node.declared_ports, parameters.target_ports, service)


def _shared(
    node: GatewayNode, claim: PortClaim, ports: Ports, resources: ResourceSet, settings: TranslateSettings
) -> GatewayNode:
    """Bound is what the Service says, so that all replicas of the data plane bind the same."""
    parameters = node.parameters.service
    assert parameters is not None
    service_key = ObjectKey(settings.namespace, shared_name(claim.gateway))
    findings = service_findings(node.resource, service_key, claim.service, parameters.type)
    if is_taken(resources, service_key, claim.gateway):
        findings = iter([c.name_taken(str(service_key))])
    placed = replace(node, addresses=(settings.address,), ports=ports, published=published(claim.service))
    return _with(placed, findings)


# --- deployment -------------------------------------------------------------------------------


def _elsewhere(members: Nodes, resources: ResourceSet, settings: TranslateSettings) -> Nodes:
    """Nothing is bound here; the Service tells whether the Gateway's own data plane is up."""
    if settings.file_mode:
        return {key: _with(node, [c.cluster_only("deployment")]) for key, node in members.items()}
    ready = ready_services(resources.by_kind(EndpointSlice).values()) if members else frozenset()
    return {key: _dedicated(node, resources, settings, ready) for key, node in members.items()}


def _dedicated(
    node: GatewayNode, resources: ResourceSet, settings: TranslateSettings, ready: frozenset[ObjectKey]
) -> GatewayNode:
    parameters = node.parameters.deployment
    assert parameters is not None
    key = node.resource.key
    service_key = ObjectKey(settings.namespace, shared_name(key))
    if not (parameters.image or settings.image):
        return _with(node, [c.no_image()])
    if is_taken(resources, service_key, key):
        return _with(node, [c.name_taken(str(service_key))])
    service = made_service(resources, service_key, key)
    findings = list(service_findings(node.resource, service_key, service, parameters.service.type))
    if not findings and service_key not in ready:
        findings.append(c.not_running_yet(str(service_key)))
    return _with(replace(node, published=published(service)), findings)


def _with(node: GatewayNode, findings: "Iterator[Finding] | Sequence[Finding]") -> GatewayNode:
    return replace(node, findings=(*node.findings, *findings))


def is_ip(value: str) -> bool:
    """An IPv4 or IPv6 literal, without brackets."""
    try:
        ip_address(value)
    except ValueError:
        return False
    return True
