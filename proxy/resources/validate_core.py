"""Service, EndpointSlice, Secret, ConfigMap: what Kubernetes checks of the fields we read."""

import re
from base64 import b64decode
from collections.abc import Iterator
from ipaddress import ip_address

from proxy.resources.core import SERVICE_NAME_LABEL, ConfigMap, EndpointSlice, Secret, Service
from proxy.resources.fields import SUBDOMAIN
from proxy.resources.problem import Finding

_SUBDOMAIN = re.compile(rf"{SUBDOMAIN}\Z")
TLS_SECRET = "kubernetes.io/tls"


def validate_service(service: Service) -> Iterator[Finding]:
    spec = service.spec
    if not spec.ports and spec.type != "ExternalName" and spec.cluster_ip != "None":
        yield Finding(("spec", "ports"), "required, but missing", "list the ports that routes refer to")
    if spec.type == "ExternalName" and not spec.external_name:
        yield Finding(("spec", "externalName"), "required for type ExternalName", at_key=True)
    elif spec.type == "ExternalName" and not _SUBDOMAIN.match((spec.external_name or "").removesuffix(".")):
        yield Finding(("spec", "externalName"), f'"{spec.external_name}" is not a DNS name of a-z, 0-9, "-" and "."')
    names: set[str] = set()
    numbers: set[tuple[int, str]] = set()
    for index, port in enumerate(spec.ports):
        if len(spec.ports) > 1 and not port.name:
            hint = "a Service with several ports names them all"
            yield Finding(("spec", "ports", index, "name"), "required, but missing", hint, at_key=True)
        elif port.name and port.name in names:
            yield Finding(("spec", "ports", index, "name"), f'"{port.name}" is the name of two ports')
        if (port.port, port.protocol) in numbers:
            yield Finding(("spec", "ports", index, "port"), f"{port.port}/{port.protocol} is listed twice")
        names.add(port.name or "")
        numbers.add((port.port, port.protocol))


def validate_endpoint_slice(item: EndpointSlice) -> Iterator[Finding]:
    if not item.service_name:
        hint = f"add the label {SERVICE_NAME_LABEL}: NAME-OF-THE-SERVICE"
        message = "belongs to no Service, so nothing refers to it"
        yield Finding(("metadata", "labels"), message, hint, severity="warning")
    for index, endpoint in enumerate(item.endpoints):
        for number, address in enumerate(endpoint.addresses):
            if item.address_type != "FQDN" and not _is_address(address, item.address_type):
                path = ("endpoints", index, "addresses", number)
                hint = "host names take addressType: FQDN, or the kind Backend of penstock.dev"
                yield Finding(path, f'"{address}" is not an {item.address_type} address', hint)
    names: set[str] = set()
    for index, port in enumerate(item.ports):
        if port.name in names:
            yield Finding(("ports", index, "name"), f'"{port.name}" is the name of two ports')
        names.add(port.name)


def _is_address(text: str, family: str) -> bool:
    try:
        return f"IPv{ip_address(text).version}" == family
    except ValueError:
        return False


def validate_secret(secret: Secret) -> Iterator[Finding]:
    for key, value in secret.data.items():
        if not _is_base64(value):
            yield Finding(("data", key), "not base64", "put clear text under stringData")
    if secret.type == TLS_SECRET:
        for key in ("tls.crt", "tls.key"):
            if key not in secret.data and key not in secret.string_data:
                yield Finding(("data", key), f"required for a Secret of type {TLS_SECRET}")


def validate_config_map(item: ConfigMap) -> Iterator[Finding]:
    for key in item.data.keys() & item.binary_data.keys():
        yield Finding(("binaryData", key), "is a key of data, too", at_key=True)
    for key, value in item.binary_data.items():
        if not _is_base64(value):
            yield Finding(("binaryData", key), "not base64", "put text under data")


def _is_base64(text: str) -> bool:
    """Line breaks inside are allowed, as Go's decoder allows them."""
    try:
        b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except ValueError:
        return False
    return True
