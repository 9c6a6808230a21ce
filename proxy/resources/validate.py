"""The rules a CRD has beside its types: what the API server checks with CEL, for sources without one.

One file per kind; each yields findings and changes nothing. Types, enumerations, patterns and
limits are not here: they stand in the models.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from proxy.resources.backendtlspolicy import BackendTLSPolicy
from proxy.resources.backendtraffic import XBackendTrafficPolicy
from proxy.resources.core import ConfigMap, EndpointSlice, Namespace, Secret, Service
from proxy.resources.direct_response import DirectResponse
from proxy.resources.fields import LABEL, SUBDOMAIN
from proxy.resources.gateway import Gateway
from proxy.resources.grpcroute import GRPCRoute
from proxy.resources.httproute import HTTPRoute
from proxy.resources.l4routes import TCPRoute, TLSRoute, UDPRoute
from proxy.resources.labels import annotation_findings, label_findings
from proxy.resources.listenerset import ListenerSet
from proxy.resources.meta import ObjectMeta, Resource
from proxy.resources.own import Backend
from proxy.resources.parameters import GatewayParameters
from proxy.resources.problem import Finding
from proxy.resources.validate_backendtls import validate_backend_tls_policy
from proxy.resources.validate_backendtraffic import validate_backend_traffic_policy
from proxy.resources.validate_core import (
    validate_config_map,
    validate_endpoint_slice,
    validate_secret,
    validate_service,
)
from proxy.resources.validate_direct_response import validate_direct_response
from proxy.resources.validate_gateway import validate_gateway
from proxy.resources.validate_grpcroute import validate_grpcroute
from proxy.resources.validate_httproute import validate_httproute
from proxy.resources.validate_l4routes import validate_l4_route, validate_tls_route
from proxy.resources.validate_listenerset import validate_listener_set
from proxy.resources.validate_own import validate_backend
from proxy.resources.validate_parameters import validate_parameters
from proxy.resources.validate_xbackend import validate_xbackend
from proxy.resources.xbackend import XBackend

VALIDATORS: Final[dict[type[Resource], Callable[[Any], Iterator[Finding]]]] = {
    Gateway: validate_gateway,
    ListenerSet: validate_listener_set,
    HTTPRoute: validate_httproute,
    TCPRoute: validate_l4_route,
    TLSRoute: validate_tls_route,
    UDPRoute: validate_l4_route,
    GRPCRoute: validate_grpcroute,
    BackendTLSPolicy: validate_backend_tls_policy,
    XBackendTrafficPolicy: validate_backend_traffic_policy,
    Service: validate_service,
    EndpointSlice: validate_endpoint_slice,
    Secret: validate_secret,
    ConfigMap: validate_config_map,
    Backend: validate_backend,
    GatewayParameters: validate_parameters,
    DirectResponse: validate_direct_response,
    XBackend: validate_xbackend,
}

_LABEL_NAMED: Final = (Service, Namespace)
"""Kinds whose names are one DNS label; all others take dots."""
_LABEL_NAME = re.compile(rf"{LABEL}\Z")
_SUBDOMAIN_NAME = re.compile(rf"{SUBDOMAIN}\Z")


def validate(item: Resource) -> list[Finding]:
    """Everything wrong with a well-typed object."""
    findings = list(_metadata(type(item), item.metadata))
    validator = VALIDATORS.get(type(item))
    if validator is not None:
        findings.extend(validator(item))
    return findings


def _metadata(model: type[Resource], meta: ObjectMeta) -> Iterator[Finding]:
    yield from _name(model, meta.name)
    if meta.namespace and (len(meta.namespace) > 63 or not _LABEL_NAME.match(meta.namespace)):
        message = f'"{meta.namespace}" is not a namespace: up to 63 of a-z, 0-9 and "-"'
        yield Finding(("metadata", "namespace"), message)
    yield from label_findings(meta.labels, ("metadata", "labels"))
    yield from annotation_findings(meta.annotations, ("metadata", "annotations"))


def _name(model: type[Resource], name: str) -> Iterator[Finding]:
    path = ("metadata", "name")
    if not name:
        yield Finding(path, "required, but missing", "give the object a name", at_key=True)
    elif model in _LABEL_NAMED and (len(name) > 63 or not _LABEL_NAME.match(name)):
        yield Finding(path, f'"{name}" is not a name: up to 63 of a-z, 0-9 and "-", a letter or digit at both ends')
    elif len(name) > 253 or not _SUBDOMAIN_NAME.match(name):
        yield Finding(path, f'"{name}" is not a name: a-z, 0-9, "-" and ".", a letter or digit at both ends')
