"""GatewayParameters: what makes sense together."""

import pytest

from tests.resources.yamlset import findings


def parameters(spec: str) -> str:
    return f"{{apiVersion: penstock.dev/v1alpha1, kind: GatewayParameters, metadata: {{name: p}}, spec: {spec}}}"


@pytest.mark.parametrize(
    "spec",
    [
        "{}",
        '{addresses: {pool: ["10.0.0.1-10.0.0.32", "192.0.2.0/28", "2001:db8::10"], service: false}}',
        "{service: {type: NodePort, externalTrafficPolicy: Local, targetPorts: {first: 1, last: 1}, selector: {a: b}}}",
        "{service: {loadBalancerClass: a.example.com/b}}",
        "{proxyProtocol: {}}",
        "{proxyProtocol: {mode: Optional}, service: {}}",
        (
            "{deployment: {image: 'a:1', replicas: 0, resources: {requests: {cpu: 1, memory: 64Mi}}, "
            "tolerations: [{operator: Exists}], args: [--log-level=debug], service: {type: ClusterIP}}}"
        ),
    ],
)
def test_one_way_or_none(spec: str) -> None:
    assert findings(parameters(spec)) == []


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ("{addresses: {pool: [10.0.0.1]}, deployment: {}}", "spec.deployment", "not allowed beside spec.addresses"),
        ("{addresses: {pool: [10.0.0.9-10.0.0.1]}}", "spec.addresses.pool[0]",
         "'10.0.0.9-10.0.0.1' ends before it begins"),
        ("{addresses: {pool: [10.0.0.1-x]}}", "spec.addresses.pool[0]",
         "'x' does not appear to be an IPv4 or IPv6 address"),
        ("{service: {targetPorts: {first: 9, last: 8}}}", "spec.service.targetPorts.last", "8 is before first, 9"),
        ("{service: {type: ClusterIP, externalTrafficPolicy: Local}}", "spec.service.externalTrafficPolicy",
         "not allowed with type ClusterIP"),
        ("{deployment: {service: {type: NodePort, loadBalancerClass: x}}}", "spec.deployment.service.loadBalancerClass",
         "not allowed with type NodePort"),
        ("{deployment: {args: [--workers=2, --only-gateway=a/b]}}", "spec.deployment.args[1]",
         "--only-gateway is set by the controller"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(spec: str, field: str, message: str) -> None:
    assert findings(parameters(spec)) == [(field, message)]
