"""Objects as an API server stores them: whose status is kept."""

from typing import Any

import pytest

from proxy.resources.core import Service, ServiceStatus
from proxy.resources.stored import decode_stored


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
