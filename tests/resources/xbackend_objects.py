"""XBackends that are sound, and that are not: what our decoder says of each, an API server with the CRD says too."""

from typing import Any

Spec = dict[str, Any]

CA = [{"group": "", "kind": "ConfigMap", "name": "ca"}]
TRUST = {"hostname": "api.example.com", "caCertificateRefs": CA}
SECRET = {"name": "client"}


def spec(**given: Any) -> Spec:
    """A sound one, with these fields."""
    sound = {
        "type": "ExternalHostname",
        "externalHostname": {"hostname": "api.example.com"},
        "port": {"port": 443},
    }
    return {name: value for name, value in (sound | given).items() if value is not None}


SOUND: dict[str, Spec] = {
    "no more than it takes": spec(),
    "a port with an empty name": spec(port={"name": "", "port": 65535}),
    "an address, which only its status refuses": spec(externalHostname={"hostname": "192.0.2.1"}),
    **{f"protocol {name}": spec(protocol=name) for name in ("TCP", "HTTP", "HTTP2", "HTTP11", "H2C", "MCP")},
    "no TLS, in words": spec(tls={"mode": "None"}),
    "TLS without a word on trust": spec(tls={"mode": "ServerOnly"}),
    "TLS with one": spec(tls={"mode": "ServerOnly", "validation": TRUST}),
    "TLS both ways": spec(tls={"mode": "ClientAndServer", "clientCertificateRef": SECRET, "validation": TRUST}),
}

NAMED = spec(port={"name": "https", "port": 1})
"""Sound by what the API says of the field. But the rule of the CRD of v1.6.1 compares an optional value with null, so
that an API server takes no name at all."""

REFUSED: dict[str, tuple[Spec, str]] = {
    "another type": (spec(type="EndpointSelector"), "spec.type"),
    "no type": (spec(type=None), "spec"),
    "no hostname": (spec(externalHostname=None), "spec.externalHostname"),
    "no port": (spec(port=None), "spec"),
    "a port out of range": (spec(port={"port": 65536}), "spec.port.port"),
    "a name of a port that is none": (spec(port={"port": 1, "name": "a.b"}), "spec.port.name"),
    "a name of a port that is too long": (spec(port={"port": 1, "name": "a" * 64}), "spec.port.name"),
    "a wildcard": (spec(externalHostname={"hostname": "*.example.com"}), "spec.externalHostname.hostname"),
    "a name in the cluster": (
        spec(externalHostname={"hostname": "db.shop.svc.cluster.local"}),
        "spec.externalHostname.hostname",
    ),
    "another protocol": (spec(protocol="GRPC"), "spec.protocol"),
    "another mode": (spec(tls={"mode": "Simple"}), "spec.tls.mode"),
    "no mode": (spec(tls={"validation": TRUST}), "spec.tls"),
    "TLS both ways without a certificate": (
        spec(tls={"mode": "ClientAndServer"}),
        "spec.tls.clientCertificateRef",
    ),
    "a certificate that is not shown": (
        spec(tls={"mode": "ServerOnly", "clientCertificateRef": SECRET}),
        "spec.tls.clientCertificateRef",
    ),
    "nobody to trust": (
        spec(tls={"mode": "ServerOnly", "validation": {"hostname": "a.example"}}),
        "spec.tls.validation",
    ),
    "two to trust": (
        spec(tls={"mode": "ServerOnly", "validation": {**TRUST, "wellKnownCACertificates": "System"}}),
        "spec.tls.validation",
    ),
}
"""With the field that is to blame."""


def object_of(given: Spec) -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.x-k8s.io/v1alpha1",
        "kind": "XBackend",
        "metadata": {"name": "case", "namespace": "default"},
        "spec": given,
    }
