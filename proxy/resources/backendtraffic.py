"""XBackendTrafficPolicy (gateway.networking.x-k8s.io, GEP-3388 and GEP-1619): how requests to a backend are treated."""

from typing import Annotated

from msgspec import Meta

from proxy.resources.fields import Duration, Group, KindName, Name
from proxy.resources.meta import Ignored, Model, Resource
from proxy.resources.session import SessionPersistence


class LocalPolicyTargetReference(Model, frozen=True):
    """What a policy is for: an object of its own namespace."""

    group: Group
    kind: KindName
    name: Name


class BudgetDetails(Model, frozen=True):
    """retryConstraint.budget."""

    percent: Annotated[int, Meta(ge=0, le=100)] = 20
    """Of all requests of the interval, at most so many are retries."""
    interval: Duration = "10s"


class RequestRate(Model, frozen=True):
    """retryConstraint.minRetryRate. Only the whole has a default in the CRD; here each part has its share of it."""

    count: Annotated[int, Meta(ge=1, le=1_000_000)] = 10
    interval: Duration = "1s"


class RetryConstraint(Model, frozen=True):
    """Retries beyond both are not made."""

    budget: BudgetDetails = BudgetDetails()
    min_retry_rate: RequestRate = RequestRate()


class BackendTrafficPolicySpec(Model, frozen=True):
    """XBackendTrafficPolicy.spec."""

    target_refs: Annotated[tuple[LocalPolicyTargetReference, ...], Meta(min_length=1, max_length=16)]
    retry_constraint: RetryConstraint | None = None
    session_persistence: SessionPersistence | None = None


class XBackendTrafficPolicy(Resource, frozen=True):
    """A retry budget, and session persistence, for backends whatever route leads there."""

    spec: BackendTrafficPolicySpec
    status: Ignored = None
