"""Objects of our own kinds that are sound, and that are not: what our decoder says of each, an API server
with our CRDs must say too."""

from typing import Any

Spec = dict[str, Any]

SOUND: dict[str, tuple[str, Spec]] = {
    "an IPv4 address": ("Backend", {"endpoints": [{"host": "10.0.0.1", "port": 80}]}),
    "an IPv6 address": ("Backend", {"endpoints": [{"host": "2001:db8::1", "port": 65535}]}),
    "a DNS name": ("Backend", {"endpoints": [{"host": "files.example.com.", "port": 1}]}),
    "a name with an underscore": ("Backend", {"endpoints": [{"host": "_files._tcp.example.com", "port": 1}]}),
    "no endpoint": ("Backend", {"endpoints": []}),
    "the same endpoint twice": (
        "Backend",
        {"endpoints": [{"host": "a", "port": 1}, {"host": "a", "port": 1}], "protocol": "H2C"},
    ),
    "a header before each connection": ("Backend", {"endpoints": [], "proxyProtocol": "V2"}),
    "trust of this machine": (
        "Backend",
        {"endpoints": [], "tls": {"hostname": "files.example.com", "wellKnownCACertificates": "System"}},
    ),
    "trust of a ConfigMap, and other names": (
        "Backend",
        {
            "endpoints": [],
            "tls": {
                "hostname": "files.example.com",
                "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}],
                "subjectAltNames": [
                    {"type": "Hostname", "hostname": "a.example.com"},
                    {"type": "URI", "uri": "spiffe://example.com/files"},
                ],
                "clientCertificateRef": {"name": "client"},
            },
        },
    ),
    "no parameters": ("GatewayParameters", {}),
    "headers that are required by default": ("GatewayParameters", {"proxyProtocol": {}}),
    "headers that may be missing, behind a Service": (
        "GatewayParameters",
        {"proxyProtocol": {"mode": "Optional"}, "service": {}},
    ),
    "pools of all forms": (
        "GatewayParameters",
        {
            "addresses": {
                "pool": ["10.0.0.1", "10.0.0.2-10.0.0.9", "10.0.1.0/28", "2001:db8::1 - 2001:db8::9", "fd00::/64"]
            }
        },
    ),
    "a Service for each Gateway": ("GatewayParameters", {"service": {}}),
    "a Service with all it can say": (
        "GatewayParameters",
        {
            "service": {
                "type": "LoadBalancer",
                "loadBalancerClass": "example.com/internal",
                "externalTrafficPolicy": "Local",
                "targetPorts": {"first": 8000},
                "selector": {"app": "gateway"},
            }
        },
    ),
    "a data plane for each Gateway": (
        "GatewayParameters",
        {
            "deployment": {
                "image": "penstock:1",
                "replicas": 3,
                "resources": {"requests": {"cpu": 1, "memory": "64Mi"}},
                "tolerations": [{"operator": "Exists"}],
                "args": ["--workers=2"],
                "service": {"type": "NodePort", "externalTrafficPolicy": "Local"},
            }
        },
    ),
    "an answer without a body": ("DirectResponse", {"status": 204}),
    "an answer with all it can say": (
        "DirectResponse",
        {
            "status": 503,
            "headers": [
                {"name": "Retry-After", "value": "60"},
                {"name": "Set-Cookie", "value": "a=1"},
                {"name": "Set-Cookie", "value": "b=2; Path=/"},
            ],
            "contentType": "application/json",
            "body": "{}",
        },
    ),
    "an answer with an empty body": ("DirectResponse", {"status": 205, "body": ""}),
}
"""What it shows to kind and spec."""

TLS: Spec = {"hostname": "files.example.com", "wellKnownCACertificates": "System"}


def with_tls(**changes: Any) -> tuple[str, Spec]:
    tls = {name: value for name, value in {**TLS, **changes}.items() if value is not None}
    return "Backend", {"endpoints": [], "tls": tls}


def with_endpoint(**endpoint: Any) -> tuple[str, Spec]:
    return "Backend", {"endpoints": [endpoint]}


def with_pool(*pool: Any) -> tuple[str, Spec]:
    return "GatewayParameters", {"addresses": {"pool": list(pool)}}


REFUSED: dict[str, tuple[str, Spec]] = {
    "a version of a header that there is not": ("Backend", {"endpoints": [], "proxyProtocol": "v2"}),
    "headers that are asked for sometimes": ("GatewayParameters", {"proxyProtocol": {"mode": "Sometimes"}}),
    "no endpoints": ("Backend", {}),
    "endpoints of the wrong type": ("Backend", {"endpoints": {}}),
    "too many endpoints": ("Backend", {"endpoints": [{"host": "a", "port": 1}] * 1001}),
    "an unknown field": ("Backend", {"endpoints": [], "endpoint": []}),
    "an unknown protocol": ("Backend", {"endpoints": [], "protocol": "HTTPS"}),
    "no host": with_endpoint(port=80),
    "no port": with_endpoint(host="a"),
    "an empty host": with_endpoint(host="", port=80),
    "a host that is too long": with_endpoint(host=".".join(["a" * 60] * 5), port=80),
    "a label that is too long": with_endpoint(host="a" * 64, port=80),
    "a host with a port": with_endpoint(host="a:80", port=80),
    "a URL": with_endpoint(host="http://a", port=80),
    "an IPv6 address in brackets": with_endpoint(host="[2001:db8::1]", port=80),
    "what looks like an IPv4 address": with_endpoint(host="10.0.0.256", port=80),
    "a host that ends with a line break": with_endpoint(host="a\n", port=80),
    "a host that is a number": with_endpoint(host=5, port=80),
    "port 0": with_endpoint(host="a", port=0),
    "a port above all": with_endpoint(host="a", port=65536),
    "a port that is text": with_endpoint(host="a", port="80"),
    "a port that is a fraction": with_endpoint(host="a", port=80.5),
    "TLS without a hostname": with_tls(hostname=None),
    "a hostname that is a wildcard": with_tls(hostname="*.example.com"),
    "a hostname in capitals": with_tls(hostname="Files.example.com"),
    "a hostname that ends with a line break": with_tls(hostname="files.example.com\n"),
    "no trust": with_tls(wellKnownCACertificates=None),
    "unknown trust": with_tls(wellKnownCACertificates="All"),
    "trust from two places": with_tls(caCertificateRefs=[{"group": "", "kind": "ConfigMap", "name": "ca"}]),
    "trust from no place": with_tls(wellKnownCACertificates=None, caCertificateRefs=[]),
    "a reference without a kind": with_tls(
        wellKnownCACertificates=None, caCertificateRefs=[{"group": "", "name": "ca"}]
    ),
    "a reference with a bad kind": with_tls(
        wellKnownCACertificates=None, caCertificateRefs=[{"group": "", "kind": "1st", "name": "ca"}]
    ),
    "a reference with a bad group": with_tls(
        wellKnownCACertificates=None, caCertificateRefs=[{"group": "a/v1", "kind": "ConfigMap", "name": "ca"}]
    ),
    "an alternative name without a type": with_tls(subjectAltNames=[{"hostname": "a"}]),
    "a Hostname without a hostname": with_tls(subjectAltNames=[{"type": "Hostname"}]),
    "a Hostname with a URI": with_tls(subjectAltNames=[{"type": "Hostname", "hostname": "a", "uri": "b"}]),
    "a URI with a hostname": with_tls(subjectAltNames=[{"type": "URI", "hostname": "a"}]),
    "a client certificate without a name": with_tls(clientCertificateRef={}),
    "a client certificate in a bad namespace": with_tls(clientCertificateRef={"name": "a", "namespace": "A"}),
    "two ways to an address": ("GatewayParameters", {"addresses": {"pool": ["10.0.0.1"]}, "service": {}}),
    "three ways to an address": (
        "GatewayParameters",
        {"addresses": {"pool": ["10.0.0.1"]}, "service": {}, "deployment": {}},
    ),
    "no pool": ("GatewayParameters", {"addresses": {}}),
    "an empty pool": with_pool(),
    "a pool of too many": with_pool(*["10.0.0.1"] * 65),
    "a pool with a name": with_pool("example.com"),
    "a pool with a number": with_pool(10),
    "a pool with a network that begins inside": with_pool("10.0.0.1/28"),
    "a pool with half a range": with_pool("10.0.0.1-"),
    "a pool with three ends": with_pool("10.0.0.1-10.0.0.2-10.0.0.3"),
    "a pool over both versions of IP": with_pool("10.0.0.1-2001:db8::1"),
    "ports that end before they begin": ("GatewayParameters", {"service": {"targetPorts": {"first": 9, "last": 8}}}),
    "ports that end before they begin by default": ("GatewayParameters", {"service": {"targetPorts": {"last": 8}}}),
    "a port range from 0": ("GatewayParameters", {"service": {"targetPorts": {"first": 0}}}),
    "a selector of nothing": ("GatewayParameters", {"service": {"selector": {}}}),
    "a Service of an unknown type": ("GatewayParameters", {"service": {"type": "ExternalName"}}),
    "a class without a load balancer": (
        "GatewayParameters",
        {"service": {"type": "NodePort", "loadBalancerClass": "example.com/internal"}},
    ),
    "a policy for traffic that does not come": (
        "GatewayParameters",
        {"deployment": {"service": {"type": "ClusterIP", "externalTrafficPolicy": "Local"}}},
    ),
    "less than no replicas": ("GatewayParameters", {"deployment": {"replicas": -1}}),
    "an option that is ours": ("GatewayParameters", {"deployment": {"args": ["--metrics=:1"]}}),
    "an option that is ours, in two words": ("GatewayParameters", {"deployment": {"args": ["--only-gateway", "a/b"]}}),
    "an unknown toleration": ("GatewayParameters", {"deployment": {"tolerations": [{"operator": "Is"}]}}),
    "no status": ("DirectResponse", {"body": "a"}),
    "an interim status": ("DirectResponse", {"status": 103}),
    "a status above all": ("DirectResponse", {"status": 600}),
    "a status that is text": ("DirectResponse", {"status": "200"}),
    "an unknown field of an answer": ("DirectResponse", {"status": 200, "text": "a"}),
    "a body where none may be": ("DirectResponse", {"status": 204, "body": "a"}),
    "another body where none may be": ("DirectResponse", {"status": 304, "body": "a"}),
    "a body that is too long": ("DirectResponse", {"status": 200, "body": "a" * 16385}),
    "the type of no body": ("DirectResponse", {"status": 200, "contentType": "text/html"}),
    "a type with a line break": ("DirectResponse", {"status": 200, "body": "a", "contentType": "text/html\r\nX: 1"}),
    "too many headers": ("DirectResponse", {"status": 200, "headers": [{"name": "A", "value": "1"}] * 17}),
    "a header without a value": ("DirectResponse", {"status": 200, "headers": [{"name": "A"}]}),
    "a header with a line break": ("DirectResponse", {"status": 200, "headers": [{"name": "A", "value": "1\r\nB: 2"}]}),
    "a header with a bad name": ("DirectResponse", {"status": 200, "headers": [{"name": "A B", "value": "1"}]}),
    "a length of its own": ("DirectResponse", {"status": 200, "headers": [{"name": "Content-Length", "value": "5"}]}),
    "a coding of its own": (
        "DirectResponse",
        {"status": 200, "headers": [{"name": "transfer-encoding", "value": "chunked"}]},
    ),
    "a second place for the type": (
        "DirectResponse",
        {"status": 200, "headers": [{"name": "Content-Type", "value": "text/html"}], "body": "a"},
    ),
    "labels that are no text": ("GatewayParameters", {"service": {"labels": {"a": 1}}}),
}
"""What is wrong to kind and spec."""


def object_of(kind: str, spec: Spec) -> dict[str, Any]:
    return {
        "apiVersion": "penstock.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "case", "namespace": "default"},
        "spec": spec,
    }
