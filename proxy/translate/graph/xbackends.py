"""XBackends: what is known of each by itself, whoever refers to it."""

from collections.abc import Iterator

from msgspec import Struct

from proxy.resources.meta import ObjectKey
from proxy.resources.store import ResourceSet
from proxy.resources.xbackend import XBackend
from proxy.snapshot.snapshot import Endpoint, Protocol
from proxy.translate.graph import conditions as c
from proxy.translate.graph import name_conditions as n
from proxy.translate.graph.addresses import is_ip
from proxy.translate.graph.conditions import ACCEPTED, Broken, Finding, Findings
from proxy.translate.graph.upstream_tls import Security, SecurityNode

PROTOCOLS: dict[str | None, Protocol] = {
    None: "http",
    "HTTP": "http",
    "HTTP11": "http",
    "MCP": "http",
    "HTTP2": "h2",
    "H2C": "h2",
}
"""XBackend.spec.protocol to `Upstream.protocol`; what has no row is refused. The Model Context Protocol is HTTP
requests with JSON or an event stream in answer, which HTTP/1.1 carries."""


class XBackendNode(Struct, frozen=True):
    """An XBackend."""

    resource: XBackend
    broken: Broken | None = None
    """Why no reference to it can be followed."""
    security: SecurityNode | None = None
    """None: it is spoken to in clear text."""
    findings: Findings = ()

    @property
    def name(self) -> Endpoint:
        """Where it is."""
        return Endpoint(self.resource.hostname, self.resource.spec.port.port)

    @property
    def silent(self) -> bool:
        """Nothing is sent there, as its TLS cannot be had as it is declared."""
        return self.security is not None and self.security.tls is None

    @property
    def protocol(self) -> Protocol:
        return PROTOCOLS[self.resource.spec.protocol]


class XBackends:
    """All of them; each is looked at when a Gateway of ours leads there: what its TLS refers to is then to be read."""

    def __init__(self, resources: ResourceSet, security: Security) -> None:
        self.declared = resources.by_kind(XBackend)
        self._security = security
        self._nodes: dict[ObjectKey, XBackendNode] = {}

    def node(self, key: ObjectKey) -> XBackendNode:
        """Of one that is declared."""
        if key not in self._nodes:
            self._nodes[key] = self._node(self.declared[key])
        return self._nodes[key]

    def _node(self, backend: XBackend) -> XBackendNode:
        broken = why_broken(backend)
        findings = list(_advice(backend))
        if broken is not None:
            field = "spec.protocol" if broken.part == "kind" else "spec.externalHostname.hostname"
            reason = broken.reason if broken.part == "kind" else "Invalid"
            findings.insert(0, Finding(ACCEPTED, reason, field, broken.message, broken.hint))
        tls = backend.spec.tls
        security = None
        if tls is not None and tls.mode != "None":
            security, wrong = self._security.of_xbackend(backend, tls)
            findings += wrong
        return XBackendNode(backend, broken, security, tuple(findings))


def why_broken(backend: XBackend) -> Broken | None:
    """Why no reference to it can be followed; of its TLS nothing is asked."""
    what = f"XBackend {backend.key}"
    if is_ip(backend.hostname) or not backend.hostname:
        return n.not_a_name(what, backend.hostname)
    if backend.spec.protocol not in PROTOCOLS:
        return c.app_protocol("kind", what, backend.spec.protocol or "", ", ".join(filter(None, PROTOCOLS)))
    return None


def _advice(backend: XBackend) -> Iterator[Finding]:
    tls = backend.spec.tls
    if backend.spec.protocol == "H2C" and tls is not None and tls.mode != "None":
        yield c.advice("spec.protocol", "H2C is clear text, but spec.tls counts", "use protocol HTTP2")
    if tls is None:
        yield n.clear_text("spec.tls")
    elif tls.mode == "None":
        yield n.clear_text("spec.tls.mode")
        if tls.validation is not None:
            yield c.advice("spec.tls.validation", "has no effect with mode None", "use mode ServerOnly")
