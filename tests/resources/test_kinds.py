"""The table of kinds, and what a kind is called elsewhere."""

import pytest

from proxy.resources.kinds import plural_of


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Backend", "backends"),
        ("Gateway", "gateways"),
        ("GatewayClass", "gatewayclasses"),
        ("GatewayParameters", "gatewayparameters"),
        ("TrafficPolicy", "trafficpolicies"),
        ("BackendTLSPolicy", "backendtlspolicies"),
    ],
)
def test_plurals_are_those_of_the_api(kind: str, plural: str) -> None:
    assert plural_of(kind) == plural
