"""spec.tls.frontend: where a Gateway wants clients to show certificates, and who vouches for them.

The entry of a port replaces the default as a whole. Both are for listeners that end HTTPS; others on the same
port are not touched. What is wrong with one entry is wrong with the listeners of its ports, and with no others.
"""

from collections.abc import Iterator
from typing import NamedTuple

from proxy.resources.gateway import FrontendTLSConfig, FrontendTLSValidation, Gateway, TLSConfig
from proxy.translate.graph import client_conditions as c
from proxy.translate.graph.ca_certificates import BadReference, BundleNode, CACertificates
from proxy.translate.graph.conditions import Finding, Findings
from proxy.translate.graph.nodes import ClientsNode

FRONTEND = "spec.tls.frontend"
FALLBACK = "AllowInsecureFallback"


class Setting(NamedTuple):
    """The default or the entry of one port."""

    field: str
    """Dotted path to the TLSConfig."""
    tls: TLSConfig


class Clients:
    """Resolves what Gateways say about the certificates of clients."""

    def __init__(self, authorities: CACertificates, now: float) -> None:
        """`now`: seconds since the epoch; authorities that ended before are worth a warning."""
        self._authorities = authorities
        self._now = now

    def of_listener(self, gateway: Gateway, port: int) -> tuple[ClientsNode | None, Findings]:
        """How clients of its HTTPS listeners on a port are checked; None where they are not, or cannot be."""
        setting = setting_of(gateway, port)
        if setting is None or setting.tls.validation is None:
            return None, ()
        validation, field = setting.tls.validation, f"{setting.field}.validation"
        found, findings = self._resolve(gateway, f"{field}.caCertificateRefs", validation)
        if not found:
            return None, (*findings, c.no_authority(f"{field}.caCertificateRefs"))
        return ClientsNode(tuple(found.values()), validation.mode == FALLBACK), findings

    def _resolve(
        self, gateway: Gateway, field: str, validation: FrontendTLSValidation
    ) -> tuple[dict[str, BundleNode], Findings]:
        """By digest: of several references all count."""
        found: dict[str, BundleNode] = {}
        findings: list[Finding] = []
        for i, ref in enumerate(validation.ca_certificate_refs):
            at = f"{field}[{i}]"
            outcome = self._authorities.resolve("Gateway", gateway.metadata.namespace, ref)
            if isinstance(outcome, BadReference):
                findings.append(c.bad_authority(at, outcome))
                continue
            found.setdefault(outcome.key, outcome)
            if outcome.bundle.not_after < self._now:
                findings.append(c.authorities_expired(at, outcome.config_map))
        return found, tuple(findings)


def insecure_modes(gateway: Gateway) -> list[str]:
    """The fields that say AllowInsecureFallback."""
    return [
        f"{setting.field}.validation.mode"
        for setting in _settings(_frontend(gateway))
        if setting.tls.validation is not None and setting.tls.validation.mode == FALLBACK
    ]


def client_advice(gateway: Gateway) -> Iterator[Finding]:
    """What is served, but perhaps not as meant."""
    yield from map(c.insecure_fallback, insecure_modes(gateway))
    frontend = _frontend(gateway)
    if frontend is None or gateway.spec.allowed_listeners.namespaces.from_ != "None":
        return  # what ListenerSets will add is not known here
    ports = {listener.port for listener in gateway.spec.listeners if listener.protocol == "HTTPS"}
    for i, entry in enumerate(frontend.per_port):
        if entry.port not in ports:
            yield c.no_such_port(f"{FRONTEND}.perPort[{i}].port", entry.port)


def setting_of(gateway: Gateway, port: int) -> Setting | None:
    """What holds for the HTTPS listeners of a port; None where nothing is said."""
    frontend = _frontend(gateway)
    return _setting(frontend, port) if frontend else None


def _frontend(gateway: Gateway) -> FrontendTLSConfig | None:
    return gateway.spec.tls.frontend if gateway.spec.tls else None


def _setting(frontend: FrontendTLSConfig, port: int) -> Setting:
    """Of a port that is there twice, which the API server refuses, the first counts."""
    own = (i for i, entry in enumerate(frontend.per_port) if entry.port == port)
    i = next(own, None)
    return Setting(f"{FRONTEND}.default", frontend.default) if i is None else _per_port(frontend, i)


def _settings(frontend: FrontendTLSConfig | None) -> list[Setting]:
    if frontend is None:
        return []
    default = Setting(f"{FRONTEND}.default", frontend.default)
    return [default, *(_per_port(frontend, i) for i in range(len(frontend.per_port)))]


def _per_port(frontend: FrontendTLSConfig, i: int) -> Setting:
    return Setting(f"{FRONTEND}.perPort[{i}].tls", frontend.per_port[i].tls)
