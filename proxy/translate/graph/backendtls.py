"""BackendTLSPolicies: which Service, or port of one, each is for, and which counts where there are several.

One with a sectionName is for another target than one without: it counts for its port, the one without for all other
ports.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from proxy.resources.backendtlspolicy import BackendTLSPolicy, PolicyTargetReference
from proxy.resources.core import Service, ServicePort
from proxy.resources.meta import ObjectKey
from proxy.resources.store import ResourceSet
from proxy.translate.graph import upstream_tls_conditions as c
from proxy.translate.graph.age import seniority
from proxy.translate.graph.conditions import Findings
from proxy.translate.graph.policy_conditions import target_port_missing
from proxy.translate.graph.policy_targets import Claim, Reach, Target, Targets
from proxy.translate.graph.upstream_tls import Security, SecurityNode

SERVICE = ("", "Service")


class PolicyNode(Struct, frozen=True):
    """A BackendTLSPolicy."""

    resource: BackendTLSPolicy
    findings: Findings
    security: SecurityNode
    targets: tuple[Reach, ...]
    """Services that are there and the number of the port, whether this policy counts for it or another does; 0 for
    all ports, and where the port is not there."""


class BackendTLSPolicies:
    """All of them, the most senior first."""

    def __init__(self, resources: ResourceSet, security: Security) -> None:
        self.declared = resources.by_kind(BackendTLSPolicy)
        self._services = resources.by_kind(Service)
        self._security = security
        self._targets = Targets(resources, {SERVICE: Service})
        self._counting: dict[Target, PolicyNode] = {}
        self.nodes: Mapping[ObjectKey, PolicyNode] = {
            policy.key: self._node(policy) for policy in sorted(self.declared.values(), key=seniority)
        }

    def of(self, service: Service, port: ServicePort) -> SecurityNode | None:
        """How a port is spoken to; None for clear text."""
        node = self.policy_of(service, port)
        return None if node is None else node.security

    def policy_of(self, service: Service, port: ServicePort) -> PolicyNode | None:
        """The policy that counts for a port; None for none."""
        whole = Target(*SERVICE, service.key)
        named = self._counting.get(whole._replace(section=port.name)) if port.name else None
        return named or self._counting.get(whole)

    def _node(self, policy: BackendTLSPolicy) -> PolicyNode:
        spec, namespace = policy.spec, policy.metadata.namespace
        security, findings = self._security.read("BackendTLSPolicy", namespace, spec.validation, "spec.validation")
        claims = list(self._claims(policy))
        advice = [c.tls_option("spec.options", name) for name in spec.options]
        lost = [claim.finding for claim in claims if claim.finding is not None]
        targets = tuple(self._reach(claim.target) for claim in claims if claim.target is not None)
        node = PolicyNode(policy, (*lost, *findings, *advice), security, targets)
        for claim in claims:
            if claim.target is not None and claim.finding is None:
                self._targets.hold(claim.target, policy)
                self._counting[claim.target] = node
        return node

    def _reach(self, target: Target) -> Reach:
        ports = self._services[target.key].spec.ports
        number = next((port.port for port in ports if target.section and port.name == target.section), 0)
        return Reach(target.group, target.kind, target.key, number)

    def _claims(self, policy: BackendTLSPolicy) -> Iterator[Claim]:
        for i, target in enumerate(policy.spec.target_refs):
            yield self._claim(policy, target, f"spec.targetRefs[{i}]")

    def _claim(self, policy: BackendTLSPolicy, ref: PolicyTargetReference, field: str) -> Claim:
        section = ref.section_name or ""
        claim = self._targets.claim(policy, ref, field, section, ", or give it the sectionName of another port")
        if claim.target is None or not section:
            return claim
        names = [port.name for port in self._services[claim.target.key].spec.ports if port.name]
        if section in names:
            return claim
        missing = target_port_missing(field, str(claim.target.key), section, ", ".join(names))
        return Claim(claim.target._replace(section=""), missing)
