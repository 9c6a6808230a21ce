"""Certificates of a cluster: renewed under load, read one by one, and there while the API server is not."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import Pair
from tests.cluster import figures
from tests.cluster.backend import backend, objects_in
from tests.cluster.inside import Inside, inside
from tests.cluster.load import Place, load
from tests.cluster.rights import without_rule
from tests.cluster.site import address_of, certificate, gateway, https, presented, route, secret, status_of, trusting
from tests.conformance.client import wait_until
from tests.conformance.session import Cluster

HOST = "shop.example"


@pytest.fixture
def where(shared: Cluster) -> Iterator[Inside]:
    with inside(shared.place) as found, backend(found):
        yield found


def declare(cluster: Cluster, namespace: str, chain: Pair) -> None:
    cluster.client.apply(objects_in(namespace))
    cluster.client.apply_object(secret(namespace, "named", chain))
    cluster.client.apply_object(gateway(namespace, "web", https("named")))
    cluster.client.apply_object(route(namespace, "all", host=HOST))


def test_a_renewal_under_load_costs_no_request(shared: Cluster, namespace: str, where: Inside) -> None:
    old, new = certificate(HOST, 1), certificate(HOST, 2)
    declare(shared, namespace, old)
    with shared.penstock():
        address = address_of(shared, gateway(namespace))
        wait_until("the old one", lambda: presented(shared, address, HOST) == old, 30)
        wait_until("traffic", lambda: status_of(shared, address, HOST) == 200, 30)
        with load(where, Place(address, 443, HOST, trusting(old, new))) as sent:
            time.sleep(2)
            shared.client.apply_object(secret(namespace, "named", new))
            begun = time.monotonic()
            wait_until("the new one", lambda: presented(shared, address, HOST) == new, 30)
            figures.note("a renewed certificate is presented after", time.monotonic() - begun)
            time.sleep(2)
            assert presented(shared, address, HOST) == new
        figures.note("certificate renewed under load: requests sent", sent.answered + sent.failed.total(), "requests")
        figures.note("of them failed", sent.failed.total(), "requests", "0")
        assert sent.answered > 0
        assert sent.failed == {}


ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: one-secret, namespace: {namespace}}}
rules: [{{apiGroups: [""], resources: [secrets], resourceNames: [named], verbs: [get, list, watch]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: one-secret, namespace: {namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: one-secret}}
subjects: [{{kind: ServiceAccount, name: penstock, namespace: penstock-system}}]
"""


def test_no_secret_but_those_named_is_read(shared: Cluster, namespace: str, where: Inside) -> None:
    """With a right to a single one Penstock has all it asks for."""
    own = certificate(HOST)
    declare(shared, namespace, own)
    shared.client.apply_object(secret(namespace, "other", certificate("other.example")))
    shared.client.apply(ROLE.format(namespace=namespace))
    with without_rule(shared, "secrets"), shared.penstock(prepared=True, name="one-secret"):
        address = address_of(shared, gateway(namespace))
        assert presented(shared, address, HOST) == own
        renewed = certificate(HOST, 3)
        shared.client.apply_object(secret(namespace, "named", renewed))
        wait_until("the renewed one", lambda: presented(shared, address, HOST) == renewed, 30)
    refused = [line for line in shared.log_of("one-secret").splitlines() if "does not let us" in line]
    assert not [line for line in refused if namespace in line]


def test_it_starts_without_the_api_server(shared: Cluster, namespace: str, where: Inside, tmp_path: Path) -> None:
    own = certificate(HOST)
    declare(shared, namespace, own)
    options = ("--state-dir", str(tmp_path / "state"))
    with shared.penstock(*options):
        address = address_of(shared, gateway(namespace))
        wait_until("traffic", lambda: status_of(shared, address, HOST) == 200, 30)
        assert presented(shared, address, HOST) == own
    shared.stop("kube-apiserver")
    try:
        begun = time.monotonic()
        with shared.penstock(*options, prepared=True):
            wait_until("HTTP", lambda: status_of(shared, address, HOST) == 200, 60)
            wait_until("HTTPS", lambda: presented(shared, address, HOST) == own, 60)
            figures.note("a start without the API server serves after", time.monotonic() - begun, promised="seconds")
            shared.start("kube-apiserver")
            shared.client.apply_object(route(namespace, "new", host="new.example"))
            wait_until("news", lambda: status_of(shared, address, "new.example") == 200, 60)
    finally:
        if not shared.is_running("kube-apiserver"):
            shared.start("kube-apiserver")
