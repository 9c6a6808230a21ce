"""Objects as an API server stores them: lenient where it has checked, lean, and whose status is kept."""

from typing import Any

import pytest

from proxy.resources.core import EndpointSlice, Secret, Service, ServiceStatus, TargetReference
from proxy.resources.httproute import HTTPRoute
from proxy.resources.meta import Resource
from proxy.resources.stored import LAST_APPLIED, decode_stored


def route(rules: Any, **spec: Any) -> dict[str, Any]:
    meta = {"name": "r", "namespace": "shop", "resourceVersion": "7", "managedFields": [{"manager": "kubectl"}]}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {**meta, "annotations": {LAST_APPLIED: "{}", "kept": "yes"}, "ownerReferences": [{}]},
        "spec": {"rules": rules, **spec},
        "status": {"parents": []},
    }


def test_what_nobody_reads_is_not_kept() -> None:
    stored = decode_stored(route([{}]), HTTPRoute)
    assert stored.findings == ()
    assert isinstance(stored.item, HTTPRoute)
    meta = stored.item.metadata
    assert (meta.resource_version, meta.managed_fields, meta.owner_references) == ("", None, None)
    assert meta.annotations == {"kept": "yes"}
    assert stored.item.status is None


def test_what_nobody_reads_is_taken_out_deep_inside() -> None:
    endpoint = {"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "uid": "1"}, "hints": {}, "zone": "a"}
    raw = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "s", "namespace": "n"}}
    stored = decode_stored({**raw, "addressType": "IPv4", "endpoints": [endpoint]}, EndpointSlice)
    assert isinstance(stored.item, EndpointSlice)
    [kept] = stored.item.endpoints
    assert (kept.addresses, kept.zone, kept.hints) == (("10.0.0.1",), "a", None)
    assert kept.target_ref == TargetReference(uid="1")


def test_fields_of_a_newer_api_are_left_out_and_told() -> None:
    raw = route([{"matches": [{"path": {"value": "/x", "novel": 1}}], "brandNew": {}}], more=True)
    stored = decode_stored(raw, HTTPRoute)
    assert isinstance(stored.item, HTTPRoute)
    assert stored.item.spec.rules[0].matches[0].path.value == "/x"
    assert [(finding.path, finding.severity) for finding in stored.findings] == [
        (("spec", "more"), "notice"),
        (("spec", "rules", 0, "brandNew"), "notice"),
        (("spec", "rules", 0, "matches", 0, "path", "novel"), "notice"),
    ]


def test_a_wrong_type_beside_a_new_field_is_still_wrong() -> None:
    stored = decode_stored(route(7, novel=1), HTTPRoute)
    assert stored.item is None
    assert [finding.path for finding in stored.findings if finding.severity == "error"] == [("spec", "rules")]


def test_nulls_are_nothing() -> None:
    assert decode_stored(route(None, hostnames=None), HTTPRoute).item is not None


def test_rules_across_fields_are_the_api_servers_business_and_told() -> None:
    redirect = {"type": "RequestRedirect", "requestRedirect": {}}
    stored = decode_stored(route([{"filters": [redirect, redirect]}]), HTTPRoute)
    assert stored.item is not None
    assert {finding.severity for finding in stored.findings} == {"warning"}


BUILT_IN: list[tuple[type[Resource], dict[str, Any]]] = [
    (Service, {"spec": {"clusterIP": "10.0.0.1", "trafficDistribution": "PreferClose", "ipFamilies": ["IPv4"]}}),
    (Secret, {"type": "kubernetes.io/tls", "data": {"tls.crt": "eA==", "tls.key": "eA=="}}),
]


@pytest.mark.parametrize(("model", "body"), BUILT_IN)
def test_built_in_kinds_are_taken_as_they_are(model: type[Resource], body: dict[str, Any]) -> None:
    raw = {"apiVersion": "v1", "kind": model.__name__, "metadata": {"name": "x", "namespace": "n"}, **body}
    stored = decode_stored(raw, model)
    assert stored.item is not None
    assert stored.findings == ()


def service(labels: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "ns", "labels": labels, "resourceVersion": "7"},
        "spec": {"ports": [{"port": 80}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.5", "ipMode": "VIP"}]}, "conditions": []},
    }


def test_a_service_made_for_a_gateway_says_where_clients_find_it() -> None:
    item, findings = decode_stored(service({"app.kubernetes.io/managed-by": "penstock"}), Service)
    assert isinstance(item, Service)
    assert findings == ()
    assert [each.ip for each in item.status.load_balancer.ingress] == ["203.0.113.5"]


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/managed-by": "helm"}, None, "nonsense"])
def test_of_every_other_service_the_status_is_nobodys_business(labels: Any) -> None:
    item, _ = decode_stored(service(labels), Service)
    assert item is None or (isinstance(item, Service) and item.status == ServiceStatus())
