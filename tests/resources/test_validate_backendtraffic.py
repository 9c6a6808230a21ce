"""XBackendTrafficPolicy: defaults, and rules across fields."""

import msgspec
import pytest
import yaml

from proxy.resources.backendtraffic import BudgetDetails, RequestRate, RetryConstraint, XBackendTrafficPolicy
from proxy.resources.problem import dotted
from proxy.resources.validate import validate

TARGET = '{group: "", kind: Service, name: shop}'


def policy(spec: str, targets: str = f"[{TARGET}]") -> XBackendTrafficPolicy:
    return msgspec.convert(
        {
            "apiVersion": "gateway.networking.x-k8s.io/v1alpha1",
            "kind": "XBackendTrafficPolicy",
            "metadata": {"name": "p", "namespace": "default"},
            "spec": {"targetRefs": yaml.safe_load(targets), **yaml.safe_load(spec)},
        },
        XBackendTrafficPolicy,
    )


@pytest.mark.parametrize(
    ("given", "constraint"),
    [
        ("{}", RetryConstraint(BudgetDetails(20, "10s"), RequestRate(10, "1s"))),
        ("{budget: {}}", RetryConstraint(BudgetDetails(20, "10s"), RequestRate(10, "1s"))),
        ("{budget: {percent: 0}}", RetryConstraint(BudgetDetails(0, "10s"), RequestRate(10, "1s"))),
        ("{minRetryRate: {count: 3}}", RetryConstraint(BudgetDetails(20, "10s"), RequestRate(3, "1s"))),
        ("{minRetryRate: {interval: 1m}}", RetryConstraint(BudgetDetails(20, "10s"), RequestRate(10, "1m"))),
    ],
)
def test_what_is_left_out_is_as_in_the_crd(given: str, constraint: RetryConstraint) -> None:
    read = policy(f"{{retryConstraint: {given}}}")
    assert read.spec.retry_constraint == constraint
    assert validate(read) == []


ROWS = [
    # (spec, fields that are said to be wrong)
    ("{retryConstraint: {budget: {interval: 1s}, minRetryRate: {interval: 1ms}}}", []),
    ("{retryConstraint: {budget: {interval: 1h}, minRetryRate: {interval: 1h}}}", []),
    ("{retryConstraint: {budget: {interval: 999ms}}}", ["spec.retryConstraint.budget.interval"]),
    ("{retryConstraint: {budget: {interval: 1h1ms}}}", ["spec.retryConstraint.budget.interval"]),
    ("{retryConstraint: {minRetryRate: {interval: 0s}}}", ["spec.retryConstraint.minRetryRate.interval"]),
    ("{retryConstraint: {minRetryRate: {interval: 61m}}}", ["spec.retryConstraint.minRetryRate.interval"]),
    ("{sessionPersistence: {cookie: {}}}", []),
    ("{sessionPersistence: {header: {name: x}}}", ["spec.sessionPersistence.header"]),
]


@pytest.mark.parametrize(("spec", "fields"), ROWS)
def test_rules_across_fields(spec: str, fields: list[str]) -> None:
    assert [dotted(found.path) for found in validate(policy(spec))] == fields


def test_no_target_twice() -> None:
    twice = policy("{}", f'[{TARGET}, {{group: "", kind: Service, name: other}}, {TARGET}]')
    assert [dotted(found.path) for found in validate(twice)] == ["spec.targetRefs[2]"]


@pytest.mark.parametrize(
    ("spec", "targets"),
    [
        ("{retryConstraint: {budget: {percent: 101}}}", f"[{TARGET}]"),
        ("{retryConstraint: {budget: {percent: -1}}}", f"[{TARGET}]"),
        ("{retryConstraint: {minRetryRate: {count: 0}}}", f"[{TARGET}]"),
        ("{}", "[]"),
        ("{}", "[{kind: Service, name: shop}]"),
        ("{targetRef: {}}", f"[{TARGET}]"),
    ],
)
def test_what_the_types_refuse(spec: str, targets: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        policy(spec, targets)
