"""What our CustomResourceDefinitions say beside types: rules between fields, and columns of `kubectl get`.

The rules are those of `validate_own`, in CEL. A rule that stands there and not here is not expressible,
or would cost the API server too much: `penstock check` and the controller still know it.
"""

from typing import NamedTuple

from msgspec import Struct

from proxy.resources.backendtlspolicy import SubjectAltName
from proxy.resources.direct_response import DirectResponseSpec, ResponseHeader
from proxy.resources.own import BackendEndpoint, BackendTLS
from proxy.resources.parameters import (
    AddressPool,
    DedicatedDeployment,
    GatewayParametersSpec,
    PortRange,
    ServiceParameters,
    SharedService,
)
from proxy.resources.validate_direct_response import NOT_SET


class View(NamedTuple):
    """How kubectl names and shows a kind."""

    short_names: tuple[str, ...] = ()
    columns: tuple[tuple[str, str, str], ...] = ()
    """Heading, type and JSON path of each."""


VIEWS: dict[str, View] = {
    "Backend": View(
        ("pbe",),
        (
            ("Protocol", "string", ".spec.protocol"),
            ("Host", "string", ".spec.endpoints[0].host"),
            ("Port", "integer", ".spec.endpoints[0].port"),
        ),
    ),
    "GatewayParameters": View(("pgwp",)),
    "DirectResponse": View(("pdr",), (("Status", "integer", ".spec.status"),)),
}
"""Own kind to its view; one without a row has its age only."""

_LABEL = "[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?"
_HOST = rf"isIP(self.host) || (self.host.matches('^({_LABEL}[.])*{_LABEL}[.]?$') && !self.host.matches('^[0-9.]+$'))"

_FAMILIES = "ip(e.split('-')[0].trim()).family() == ip(e.split('-')[1].trim()).family()"
_BETWEEN = f"e.split('-', 2).all(p, isIP(p.trim())) && {_FAMILIES}"
_POOL = f"self.pool.all(e, e.contains('-') ? ({_BETWEEN}) : isIP(e) || (isCIDR(e) && cidr(e) == cidr(e).masked()))"
_SERVICE = (
    (
        "self.type == 'LoadBalancer' || !has(self.loadBalancerClass)",
        "loadBalancerClass is allowed with type LoadBalancer only",
        ".loadBalancerClass",
    ),
    (
        "self.type != 'ClusterIP' || !has(self.externalTrafficPolicy)",
        "externalTrafficPolicy is not allowed with type ClusterIP",
        ".externalTrafficPolicy",
    ),
)

RULES: dict[type[Struct], tuple[tuple[str, str, str], ...]] = {
    BackendEndpoint: (
        (_HOST, "an IP address (IPv6 without brackets) or a DNS name, without a port or a scheme", ".host"),
    ),
    BackendTLS: (
        (
            "(has(self.caCertificateRefs) && size(self.caCertificateRefs) > 0) != has(self.wellKnownCACertificates)",
            "exactly one of caCertificateRefs and wellKnownCACertificates must be set",
            "",
        ),
    ),
    SubjectAltName: (
        (
            "(self.type == 'Hostname') == has(self.hostname)",
            "hostname is required for type Hostname and not allowed with any other",
            "",
        ),
        ("(self.type == 'URI') == has(self.uri)", "uri is required for type URI and not allowed with any other", ""),
    ),
    DirectResponseSpec: (
        (
            "!has(self.body) || self.body == '' || !(self.status in [204, 205, 304])",
            "an answer with this status has no body",
            ".body",
        ),
        (
            "!has(self.contentType) || (has(self.body) && self.body != '')",
            "there is no body that it could be of",
            ".contentType",
        ),
    ),
    ResponseHeader: (
        (
            f"!(self.name.lowerAscii() in {sorted(NOT_SET)})",
            "this header cannot be set here",
            ".name",
        ),
    ),
    GatewayParametersSpec: (
        (
            "[has(self.addresses), has(self.service), has(self.deployment)].filter(given, given).size() <= 1",
            "at most one of addresses, service and deployment may be set",
            "",
        ),
    ),
    AddressPool: (
        (
            _POOL,
            "each is an address, a range such as 10.0.0.1-10.0.0.9, or a network such as 192.0.2.0/28",
            ".pool",
        ),
    ),
    PortRange: (("self.first <= self.last", "last is before first", ".last"),),
    ServiceParameters: _SERVICE,
    SharedService: _SERVICE,
    DedicatedDeployment: (
        (
            "!has(self.args) || !self.args.exists(a, a.matches('^--(only-gateway|status-updates|metrics)(=|$)'))",
            "--only-gateway, --status-updates and --metrics are set by the controller",
            ".args",
        ),
    ),
}
"""Model to rules on each of its objects: (CEL, message, field below it)."""
