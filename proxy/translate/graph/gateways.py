"""GatewayClass and Gateway acceptance: which are ours, and whether they can be served as they are."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from msgspec import Struct

from proxy.resources.gateway import Gateway, GatewayClass
from proxy.resources.meta import ObjectKey
from proxy.resources.store import ResourceSet
from proxy.translate.graph import conditions as c
from proxy.translate.graph.age import seniority
from proxy.translate.graph.conditions import Finding, Findings
from proxy.translate.graph.listeners import build_listeners
from proxy.translate.graph.nearest import Names
from proxy.translate.graph.nodes import ClassNode, GatewayNode
from proxy.translate.settings import CLASS_NAME, TranslateSettings


class Gateways(Struct, frozen=True):
    """What came of all GatewayClasses and Gateways."""

    classes: Mapping[str, ClassNode]
    """Ours, by name."""
    nodes: Mapping[ObjectKey, GatewayNode]
    """Ours, the most senior first."""
    advice: tuple[tuple[Gateway, Finding], ...]
    """About Gateways that are not ours and may not be meant so."""


def accept_gateways(resources: ResourceSet, settings: TranslateSettings) -> Gateways:
    """Every class with our controllerName, every Gateway of such a class."""
    declared = resources.by_kind(GatewayClass)
    classes = dict(_our_classes(declared.values(), settings))
    nodes: dict[ObjectKey, GatewayNode] = {}
    advice: list[tuple[Gateway, Finding]] = []
    for gateway in sorted(resources.by_kind(Gateway).values(), key=seniority):
        node = classes.get(gateway.spec.gateway_class_name)
        if node is not None:
            nodes[gateway.key] = _gateway(gateway, node, settings)
        elif settings.file_mode:
            advice.append((gateway, _not_ours(gateway.spec.gateway_class_name, declared)))
    return Gateways(classes, nodes, tuple(advice))


def _our_classes(declared: Iterable[GatewayClass], settings: TranslateSettings) -> Iterator[tuple[str, ClassNode]]:
    if settings.file_mode and all(item.metadata.name != CLASS_NAME for item in declared):
        yield CLASS_NAME, ClassNode(CLASS_NAME, None)
    for item in declared:
        if item.spec.controller_name == settings.controller_name:
            ref = item.spec.parameters_ref
            findings = (c.class_parameters(ref.group, ref.kind),) if ref else ()
            yield item.metadata.name, ClassNode(item.metadata.name, item, findings)


def _not_ours(name: str, declared: Mapping[ObjectKey, GatewayClass]) -> Finding:
    other = declared.get(ObjectKey("", name))
    if other is not None:
        return c.foreign_class(name, other.spec.controller_name)
    names = Names([CLASS_NAME, *(key.name for key in declared)])
    return c.unknown_class(name, names.hint(name, "GatewayClasses"))


def _gateway(gateway: Gateway, owner: ClassNode, settings: TranslateSettings) -> GatewayNode:
    return GatewayNode(
        gateway,
        _bind_addresses(gateway, settings.address),
        build_listeners(gateway),
        (*_class_findings(owner), *_address_findings(gateway), *_parameter_findings(gateway), *_advice(gateway)),
    )


def _class_findings(owner: ClassNode) -> Findings:
    return () if owner.accepted else (c.class_refused(owner.name),)


def _address_findings(gateway: Gateway) -> Iterator[Finding]:
    for i, address in enumerate(gateway.spec.addresses):
        field = f"spec.addresses[{i}]"
        if address.type != "IPAddress":
            yield c.address_type(f"{field}.type", address.type)
        elif address.value and not is_ip(address.value):
            yield c.address_value(f"{field}.value", address.value)


def _parameter_findings(gateway: Gateway) -> Iterator[Finding]:
    infrastructure = gateway.spec.infrastructure
    if infrastructure and infrastructure.parameters_ref:
        ref = infrastructure.parameters_ref
        yield c.gateway_parameters(ref.group, ref.kind)


def _advice(gateway: Gateway) -> Iterator[Finding]:
    if gateway.spec.tls:
        yield c.advice("spec.tls", "TLS settings have no effect: this version serves no TLS yet")
    if gateway.spec.default_scope not in (None, "None"):
        yield c.advice("spec.defaultScope", "default Gateways are not served", "name the Gateway in parentRefs")


def _bind_addresses(gateway: Gateway, default: str) -> tuple[str, ...]:
    """In canonical spelling and without repeats; addresses that are refused are left out."""
    if not gateway.spec.addresses:
        return (default,)
    wanted = [address.value or default for address in gateway.spec.addresses if address.type == "IPAddress"]
    return tuple(dict.fromkeys(str(ip_address(value)) if value else "" for value in wanted if _bindable(value)))


def _bindable(value: str) -> bool:
    return not value or is_ip(value)


def is_ip(value: str) -> bool:
    """An IPv4 or IPv6 literal, without brackets."""
    try:
        ip_address(value)
    except ValueError:
        return False
    return True
