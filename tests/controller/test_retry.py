"""What an answer of the API server means."""

import pytest

from proxy.controller.cluster import ApiError, ObjectRef, path_of
from proxy.controller.retry import judge
from proxy.resources.meta import ObjectKey

CLASS = ObjectRef("GatewayClass", ObjectKey("", "penstock"))
RBAC = 'gatewayclasses "penstock" is forbidden: User "x" cannot patch resource "gatewayclasses/status" in API group'


@pytest.mark.parametrize(
    ("status", "message", "result"),
    [
        (400, "admission webhook denied the request", "rejected"),
        (401, "Unauthorized", "failed"),
        (403, RBAC, "forbidden"),
        (403, "admission webhook denied the request", "rejected"),
        (404, "not found", "gone"),
        (409, "the object has been modified", "conflict"),
        (413, "too large", "rejected"),
        (422, "Invalid value", "rejected"),
        (429, "too many requests", "failed"),
        (500, "etcd", "failed"),
        (504, "timeout", "failed"),
    ],
)
def test_what_an_answer_means(status: int, message: str, result: str) -> None:
    assert judge(CLASS, ApiError(status, "", message)).result == result


def test_what_rbac_forbids_comes_with_the_rule_to_add() -> None:
    said = judge(CLASS, ApiError(403, "Forbidden", RBAC)).message
    assert "patch on gatewayclasses/status of gateway.networking.k8s.io" in said


def test_where_objects_lie() -> None:
    assert path_of(CLASS) == "/apis/gateway.networking.k8s.io/v1/gatewayclasses/penstock"
    gateway = ObjectRef("Gateway", ObjectKey("infra", "web"))
    assert path_of(gateway) == "/apis/gateway.networking.k8s.io/v1/namespaces/infra/gateways/web"
