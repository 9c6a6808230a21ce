"""What a listener that ends TLS is made of: its certificates, and how its clients are checked."""

from typing import NamedTuple

from proxy.resources.gateway import Gateway, Listener
from proxy.resources.listenerset import ListenerSet
from proxy.translate.graph.certificates import Certificates
from proxy.translate.graph.client_conditions import of_gateway
from proxy.translate.graph.clients import Clients
from proxy.translate.graph.conditions import Findings
from proxy.translate.graph.nodes import CertificateNode, ClientsNode


class TLSParts(NamedTuple):
    """Of one listener."""

    certificates: tuple[CertificateNode, ...] = ()
    clients: ClientsNode | None = None
    findings: Findings = ()


class ListenerTLS(NamedTuple):
    """Everything that listeners refer to for TLS."""

    certificates: Certificates
    clients: Clients

    def of_listener(self, owner: Gateway | ListenerSet, gateway: Gateway, field: str, spec: Listener) -> TLSParts:
        """`owner` declares the listener and its certificates, `gateway` says how clients are checked."""
        served, findings = self.certificates.of_listener(owner, field, spec)
        clients, more = self.clients.of_listener(gateway, spec.port)
        if owner is not gateway:
            more = of_gateway(field, more)
        return TLSParts(served, clients, (*findings, *more))
