"""GatewayClass and Gateway acceptance: which are ours, and whether they can be served as they are."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from proxy.resources.gateway import Gateway, GatewayClass
from proxy.resources.labels import selector_mistakes
from proxy.resources.meta import ObjectKey
from proxy.resources.parameters import GatewayParametersSpec
from proxy.resources.store import ResourceSet
from proxy.translate.graph import conditions as c
from proxy.translate.graph.addresses import is_ip
from proxy.translate.graph.age import seniority
from proxy.translate.graph.certificates import Certificates
from proxy.translate.graph.clients import client_advice
from proxy.translate.graph.conditions import Finding, Findings
from proxy.translate.graph.listener_tls import ListenerTLS
from proxy.translate.graph.listeners import build_listeners
from proxy.translate.graph.nearest import Names
from proxy.translate.graph.nodes import CertificateNode, ClassNode, GatewayNode
from proxy.translate.graph.parameters import class_parameters, gateway_parameters
from proxy.translate.graph.proxy_protocol import header_advice
from proxy.translate.graph.upstream_tls_conditions import client_certificate
from proxy.translate.settings import CLASS_NAME, TranslateSettings


class Gateways(Struct, frozen=True):
    """What came of all GatewayClasses and Gateways."""

    classes: Mapping[str, ClassNode]
    """Ours, by name."""
    nodes: Mapping[ObjectKey, GatewayNode]
    """Ours, the most senior first."""
    advice: tuple[tuple[Gateway, Finding], ...]
    """About Gateways that are not ours and may not be meant so."""


def accept_gateways(resources: ResourceSet, settings: TranslateSettings, tls: ListenerTLS) -> Gateways:
    """Every class with our controllerName, every Gateway of such a class."""
    declared = resources.by_kind(GatewayClass)
    classes = dict(_our_classes(declared.values(), resources, settings))
    nodes: dict[ObjectKey, GatewayNode] = {}
    advice: list[tuple[Gateway, Finding]] = []
    for gateway in sorted(resources.by_kind(Gateway).values(), key=seniority):
        node = classes.get(gateway.spec.gateway_class_name)
        if node is not None:
            if settings.only_gateway in ("", str(gateway.key)):
                nodes[gateway.key] = _gateway(gateway, node, resources, tls, settings)
        elif settings.file_mode:
            advice.append((gateway, _not_ours(gateway.spec.gateway_class_name, declared)))
    return Gateways(classes, nodes, tuple(advice))


def _our_classes(
    declared: Iterable[GatewayClass], resources: ResourceSet, settings: TranslateSettings
) -> Iterator[tuple[str, ClassNode]]:
    if settings.file_mode and all(item.metadata.name != CLASS_NAME for item in declared):
        yield CLASS_NAME, ClassNode(CLASS_NAME, None)
    for item in declared:
        if item.spec.controller_name == settings.controller_name:
            found = class_parameters(item, resources)
            findings, spec = ((found,), None) if isinstance(found, Finding) else ((), found)
            yield item.metadata.name, ClassNode(item.metadata.name, item, findings, spec)


def _not_ours(name: str, declared: Mapping[ObjectKey, GatewayClass]) -> Finding:
    other = declared.get(ObjectKey("", name))
    if other is not None:
        return c.foreign_class(name, other.spec.controller_name)
    names = Names([CLASS_NAME, *(key.name for key in declared)])
    return c.unknown_class(name, names.hint(name, "GatewayClasses"))


def _gateway(
    gateway: Gateway, owner: ClassNode, resources: ResourceSet, tls: ListenerTLS, settings: TranslateSettings
) -> GatewayNode:
    """Without addresses: those are given out when all Gateways are known (addresses.py)."""
    own = gateway_parameters(gateway, resources)
    refusal, spec = ((own,), None) if isinstance(own, Finding) else ((), own or owner.parameters)
    shown, unshown = _client_certificate(gateway, tls.certificates)
    spec = spec or GatewayParametersSpec()
    advice = (*_advice(gateway), *header_advice(gateway, spec, settings))
    findings = (*_class_findings(owner), *_address_findings(gateway), *refusal, *unshown, *advice)
    listeners = build_listeners(gateway, tls)
    return GatewayNode(gateway, (), listeners, findings, spec, client_certificate=shown)


def _client_certificate(gateway: Gateway, certificates: Certificates) -> tuple[CertificateNode | None, Findings]:
    """What endpoints that are spoken to over TLS are shown. Without it they are shown none, and decide themselves."""
    tls = gateway.spec.tls
    ref = tls.backend.client_certificate_ref if tls is not None and tls.backend is not None else None
    if ref is None:
        return None, ()
    node, finding = certificates.resolve(gateway, "spec.tls.backend.clientCertificateRef", ref)
    return node, () if finding is None else (client_certificate(finding),)


def _class_findings(owner: ClassNode) -> Findings:
    return () if owner.accepted else (c.class_refused(owner.name),)


def _address_findings(gateway: Gateway) -> Iterator[Finding]:
    for i, address in enumerate(gateway.spec.addresses):
        field = f"spec.addresses[{i}]"
        if address.type != "IPAddress":
            yield c.address_type(f"{field}.type", address.type)
        elif address.value and not is_ip(address.value):
            yield c.address_value(f"{field}.value", address.value)


def _advice(gateway: Gateway) -> Iterator[Finding]:
    yield from client_advice(gateway)
    allowed = gateway.spec.allowed_listeners.namespaces
    if allowed.from_ == "Selector" and allowed.selector is not None:
        for part, message, hint in selector_mistakes(allowed.selector):
            field = f"spec.allowedListeners.namespaces.selector.{part}"
            yield c.advice(field, f"{message}, so no ListenerSet may attach", hint)
