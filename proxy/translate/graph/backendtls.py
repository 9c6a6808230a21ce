"""BackendTLSPolicies: which Service, or port of one, each is for, and which counts where there are several.

For one target the older counts, then the first by namespace/name. Another with a sectionName is for another target:
it counts for its port, the one without for all other ports.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from proxy.resources.backendtlspolicy import BackendTLSPolicy, PolicyTargetReference
from proxy.resources.core import Service, ServicePort
from proxy.resources.meta import ObjectKey
from proxy.resources.store import ResourceSet
from proxy.translate.graph import upstream_tls_conditions as c
from proxy.translate.graph.age import seniority
from proxy.translate.graph.conditions import Finding, Findings
from proxy.translate.graph.nearest import Names
from proxy.translate.graph.upstream_tls import Security, SecurityNode

TargetKey = tuple[ObjectKey, str]
"""Service, and the name of its port ("" for all)."""


class PolicyNode(Struct, frozen=True):
    """A BackendTLSPolicy."""

    resource: BackendTLSPolicy
    findings: Findings
    security: SecurityNode
    targets: tuple[tuple[ObjectKey, int], ...]
    """Services that are there and the number of the port, whether this policy counts for it or another does; 0 for
    all ports, and where the port is not there."""


class BackendTLSPolicies:
    """All of them, the most senior first."""

    def __init__(self, resources: ResourceSet, security: Security) -> None:
        self.declared = resources.by_kind(BackendTLSPolicy)
        self._services = resources.by_kind(Service)
        self._security = security
        self._names: dict[str, Names] = {}
        self._counting: dict[TargetKey, PolicyNode] = {}
        self.nodes: Mapping[ObjectKey, PolicyNode] = {
            policy.key: self._node(policy) for policy in sorted(self.declared.values(), key=seniority)
        }

    def of(self, service: Service, port: ServicePort) -> SecurityNode | None:
        """How a port is spoken to; None for clear text."""
        node = self.policy_of(service, port)
        return None if node is None else node.security

    def policy_of(self, service: Service, port: ServicePort) -> PolicyNode | None:
        """The policy that counts for a port; None for none."""
        at = service.key
        return (self._counting.get((at, port.name)) if port.name else None) or self._counting.get((at, ""))

    def _node(self, policy: BackendTLSPolicy) -> PolicyNode:
        spec, namespace = policy.spec, policy.metadata.namespace
        security, findings = self._security.read("BackendTLSPolicy", namespace, spec.validation, "spec.validation")
        claims = list(self._claims(policy))
        advice = [c.tls_option("spec.options", name) for name in spec.options]
        lost = [finding for _, finding in claims if finding is not None]
        targets = tuple((key[0], self._port(key)) for key, _ in claims if key is not None)
        node = PolicyNode(policy, (*lost, *findings, *advice), security, targets)
        for key, finding in claims:
            if key is not None and finding is None:
                self._counting[key] = node
        return node

    def _port(self, target: TargetKey) -> int:
        ports = self._services[target[0]].spec.ports
        return next((port.port for port in ports if target[1] and port.name == target[1]), 0)

    def _claims(self, policy: BackendTLSPolicy) -> Iterator[tuple[TargetKey | None, Finding | None]]:
        """Each target, and why the policy does not count for it."""
        for i, target in enumerate(policy.spec.target_refs):
            yield self._claim(policy, target, f"spec.targetRefs[{i}]")

    def _claim(
        self, policy: BackendTLSPolicy, target: PolicyTargetReference, field: str
    ) -> tuple[TargetKey | None, Finding | None]:
        if (target.group, target.kind) != ("", "Service"):
            return None, c.target_kind(field, target.group, target.kind)
        key = ObjectKey(policy.metadata.namespace, target.name)
        service = self._services.get(key)
        if service is None:
            return None, c.target_missing(field, str(key), self._hint(key))
        section = target.section_name or ""
        names = [port.name for port in service.spec.ports if port.name]
        if section and section not in names:
            return (key, ""), c.target_port_missing(field, str(key), section, ", ".join(names))
        winner = self._counting.get((key, section))
        if winner is not None:
            return (key, section), c.conflict(field, str(key), section, str(winner.resource.key))
        return (key, section), None

    def _hint(self, key: ObjectKey) -> str:
        if key.namespace not in self._names:
            names = (name for namespace, name in self._services if namespace == key.namespace)
            self._names[key.namespace] = Names(names)
        return self._names[key.namespace].hint(key.name, f"Services of namespace {key.namespace}")
