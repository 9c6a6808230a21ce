"""XBackendTrafficPolicy: rules across fields."""

from collections.abc import Iterator

from proxy.resources.backendtraffic import LocalPolicyTargetReference, RetryConstraint, XBackendTrafficPolicy
from proxy.resources.duration import seconds
from proxy.resources.problem import Finding, Path
from proxy.resources.validate_session import validate_session

LONGEST_INTERVAL = 3600.0
"""Seconds."""
SHORTEST_BUDGET = 1.0
"""Seconds."""


def validate_backend_traffic_policy(policy: XBackendTrafficPolicy) -> Iterator[Finding]:
    spec = policy.spec
    yield from _targets(spec.target_refs)
    if spec.retry_constraint is not None:
        yield from _constraint(spec.retry_constraint, ("spec", "retryConstraint"))
    if spec.session_persistence is not None:
        yield from validate_session(spec.session_persistence, ("spec", "sessionPersistence"))


def _targets(targets: tuple[LocalPolicyTargetReference, ...]) -> Iterator[Finding]:
    """listType=map with keys group, kind and name."""
    first: dict[LocalPolicyTargetReference, int] = {}
    for index, target in enumerate(targets):
        if first.setdefault(target, index) != index:
            path = ("spec", "targetRefs", index)
            yield Finding(path, f"the same target as targetRefs[{first[target]}]", "remove one of the two")


def _constraint(constraint: RetryConstraint, path: Path) -> Iterator[Finding]:
    if not SHORTEST_BUDGET <= seconds(constraint.budget.interval) <= LONGEST_INTERVAL:
        yield Finding((*path, "budget", "interval"), f"{constraint.budget.interval} is not between 1s and 1h")
    if not 0 < seconds(constraint.min_retry_rate.interval) <= LONGEST_INTERVAL:
        message = f"{constraint.min_retry_rate.interval} is not longer than 0s and at most 1h"
        yield Finding((*path, "minRetryRate", "interval"), message)
