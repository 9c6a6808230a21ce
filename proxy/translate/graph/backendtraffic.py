"""XBackendTrafficPolicies: which backends each is for, which counts, and what of it can be followed."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from proxy.resources import own
from proxy.resources.backendtraffic import RetryConstraint, XBackendTrafficPolicy
from proxy.resources.core import Service
from proxy.resources.duration import seconds
from proxy.resources.meta import ObjectKey
from proxy.resources.session import SessionPersistence
from proxy.resources.store import ResourceSet
from proxy.resources.validate_backendtraffic import LONGEST_INTERVAL, SHORTEST_BUDGET
from proxy.snapshot.session import RetryBudget
from proxy.translate.graph.age import seniority
from proxy.translate.graph.conditions import ACCEPTED, Finding, Findings
from proxy.translate.graph.nodes import has
from proxy.translate.graph.policy_conditions import invalid
from proxy.translate.graph.policy_targets import Claim, Kinds, Reach, Target, Targets
from proxy.translate.graph.sessions import session_faults

KINDS: Kinds = {("", "Service"): Service, (own.GROUP, "Backend"): own.Backend}
"""What such a policy can be for: a Service, or what stands for one."""


class TrafficNode(Struct, frozen=True):
    """An XBackendTrafficPolicy."""

    resource: XBackendTrafficPolicy
    findings: Findings
    targets: tuple[Reach, ...]
    """What is there, whether this policy counts for it or another does."""
    session: SessionPersistence | None = None
    """None where it says nothing of sessions, or nothing that can be followed."""
    constraint: RetryConstraint | None = None
    """The same for retries."""


class BackendTrafficPolicies:
    """All of them, the most senior first."""

    def __init__(self, resources: ResourceSet) -> None:
        self.declared = resources.by_kind(XBackendTrafficPolicy)
        self._targets = Targets(resources, KINDS)
        self._counting: dict[Target, TrafficNode] = {}
        self.nodes: Mapping[ObjectKey, TrafficNode] = {
            policy.key: self._node(policy) for policy in sorted(self.declared.values(), key=seniority)
        }

    def of(self, group: str, kind: str, key: ObjectKey) -> TrafficNode | None:
        """The policy that counts for a backend."""
        return self._counting.get(Target(group, kind, key)) if self._counting else None

    def budget_of(self, group: str, kind: str, key: ObjectKey) -> RetryBudget | None:
        """How many retries a backend may get; None for as many as rules want."""
        node = self.of(group, kind, key)
        if node is None or node.constraint is None:
            return None
        budget, floor = node.constraint.budget, node.constraint.min_retry_rate
        return RetryBudget(
            service=f"{kind}/{key}",
            percent=budget.percent,
            interval=seconds(budget.interval),
            floor=floor.count,
            floor_interval=seconds(floor.interval),
        )

    def _node(self, policy: XBackendTrafficPolicy) -> TrafficNode:
        """One that cannot be followed in part is not followed at all, which its status says."""
        spec = policy.spec
        claims = [self._claim(policy, i) for i in range(len(spec.target_refs))]
        faults = tuple(_faults(policy))
        lost = tuple(claim.finding for claim in claims if claim.finding is not None)
        reached = tuple(Reach(*claim.target[:3]) for claim in claims if claim.target is not None)
        node = TrafficNode(policy, (*lost, *faults), reached)
        if not has(faults, ACCEPTED):
            node = TrafficNode(policy, node.findings, reached, spec.session_persistence, spec.retry_constraint)
        for claim in claims:
            if claim.target is not None and claim.finding is None:
                self._targets.hold(claim.target, policy)
                self._counting[claim.target] = node
        return node

    def _claim(self, policy: XBackendTrafficPolicy, index: int) -> Claim:
        return self._targets.claim(policy, policy.spec.target_refs[index], f"spec.targetRefs[{index}]")


def _faults(policy: XBackendTrafficPolicy) -> Iterator[Finding]:
    """What an API server refuses is checked again: an older one may have let it pass."""
    constraint = policy.spec.retry_constraint
    if constraint is not None:
        at, interval = "spec.retryConstraint.budget.interval", constraint.budget.interval
        if not SHORTEST_BUDGET <= seconds(interval) <= LONGEST_INTERVAL:
            yield invalid(at, f"{interval} is not between 1s and 1h", "10s is usual")
        at, interval = "spec.retryConstraint.minRetryRate.interval", constraint.min_retry_rate.interval
        if not 0 < seconds(interval) <= LONGEST_INTERVAL:
            yield invalid(at, f"{interval} is not longer than 0s and at most 1h", "1s is usual")
    if policy.spec.session_persistence is not None:
        for fault in session_faults(policy.spec.session_persistence):
            yield invalid(f"spec.sessionPersistence.{fault.field}", fault.message, fault.hint)
