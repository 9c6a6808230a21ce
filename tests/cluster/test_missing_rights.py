"""Each right that an installation may lack, one at a time: named once with the rule to add, and everything else serves.

What is given back is used without a restart.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Final, NamedTuple

import pytest

from tests.cluster.backend import backend, objects_in
from tests.cluster.counters import counters
from tests.cluster.inside import inside
from tests.cluster.rights import ELECTION, without_rule
from tests.cluster.site import (
    address_of,
    certificate,
    gateway,
    https,
    policy,
    presented,
    redirect,
    route,
    says,
    secret,
    status_of,
    traffic_policy,
)
from tests.conformance.client import Object, wait_until
from tests.conformance.penstock import CONTROLLER
from tests.conformance.session import Cluster

HOST: Final = "rights.example"
NAMESPACE: Final = "rights"
API: Final = "gateway.networking.k8s.io/v1"
SECURED: Final = "secured"
"""A Service whose endpoints are to be spoken to in TLS, and do not speak it."""
WHOLE: Final = {"/": 200, "/moved": 302, "/secured": 502}


class Site(NamedTuple):
    """A Gateway that needs all that Penstock reads, and where it answers."""

    cluster: Cluster
    address: str

    def serves(self, wanted: Mapping[str, int]) -> bool:
        return all(status_of(self.cluster, self.address, HOST, path) == status for path, status in wanted.items())

    def presents(self) -> bool:
        return presented(self.cluster, self.address, HOST) == certificate(HOST)

    def lines(self, name: str, *words: str) -> list[str]:
        """Those of a Penstock's log that have all these words."""
        return [line for line in self.cluster.log_of(name).splitlines() if all(word in line for word in words)]


@pytest.fixture(scope="module")
def site(shared: Cluster) -> Iterator[Site]:
    client, web = shared.client, gateway(NAMESPACE, "web", https("chain"))
    client.apply(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}}}}}")
    client.apply(objects_in(NAMESPACE))
    client.apply(objects_in(NAMESPACE).replace("mirror", SECURED))
    routes = (
        route(NAMESPACE, "all", host=HOST),
        redirect(NAMESPACE, "moved", "/moved", host=HOST),
        route(NAMESPACE, "secured", "/secured", host=HOST, service=SECURED),
    )
    for item in (web, secret(NAMESPACE, "chain", certificate(HOST)), *routes, *policy(NAMESPACE, "trusted", SECURED)):
        client.apply_object(item)
    with inside(shared.place) as where, backend(where):
        with shared.penstock(name="all-rights"):
            found = Site(shared, address_of(shared, web))
            wait_until("it serves", lambda: found.serves(WHOLE) and found.presents(), 60)
        yield found
    client.delete(f"/api/v1/namespaces/{NAMESPACE}")


# --- what is read ---------------------------------------------------------------------------------

READ: Final[Mapping[str, Mapping[str, int]]] = {
    "gatewayclasses": {},
    "gateways": {},
    "httproutes": {"/": 404},
    "services": {"/moved": 302},
    "endpointslices": {"/moved": 302},
    "namespaces": WHOLE,
    "secrets": WHOLE,
    "configmaps": {"/": 200, "/moved": 302, "/secured": 500},
    "backendtlspolicies": {"/": 200, "/moved": 302},
    "listenersets": WHOLE,
    "xbackendtrafficpolicies": WHOLE,
    "referencegrants": WHOLE,
    "backends": WHOLE,
    "directresponses": WHOLE,
    "gatewayparameters": {},
}
"""What may not be read, and which paths are answered all the same, and with what."""
PARENTS: Final = frozenset({"gatewayclasses", "gateways"})
"""Without them no route has a parent, but none is known to have lost it: there is nothing to write."""


@pytest.mark.parametrize("plural", READ)
def test_what_may_not_be_read(site: Site, plural: str) -> None:
    name = f"no-{plural}"
    with ExitStack() as missing:
        missing.enter_context(without_rule(site.cluster, plural))
        with site.cluster.penstock(prepared=True, name=name):
            wait_until("it is named", lambda: site.lines(name, "ERROR", f"resource {plural}"), 60)
            wait_until("the rest serves", lambda: site.serves(READ[plural]), 60)
            wait_until("it leads", lambda: counters(site.cluster).total("penstock_leader") == 1, 60)
            missing.close()
            wait_until("all of it serves", lambda: site.serves(WHOLE) and site.presents(), 60)
            wait_until("nothing is wrong", lambda: site.lines(name, "all problems are solved"), 60)
            written = counters(site.cluster).written("HTTPRoute")
    assert not written or plural not in PARENTS
    assert len(site.lines(name, "ERROR", f"resource {plural}")) == 1
    assert site.lines(name, f"resources: [{plural}], verbs: [get, list, watch]")
    assert not site.lines(name, "Traceback")


# --- what is written ------------------------------------------------------------------------------

ANOTHER: Final = "another"
WRITTEN: Final[tuple[tuple[str, Object], ...]] = (
    (
        "gatewayclasses",
        {
            "apiVersion": API,
            "kind": "GatewayClass",
            "metadata": {"name": ANOTHER},
            "spec": {"controllerName": CONTROLLER},
        },
    ),
    ("gateways", gateway(NAMESPACE, ANOTHER)),
    (
        "listenersets",
        {
            "apiVersion": API,
            "kind": "ListenerSet",
            "metadata": {"name": ANOTHER, "namespace": NAMESPACE},
            "spec": {
                "parentRef": {"name": "web"},
                "listeners": [{"name": "more", "protocol": "HTTP", "port": 80, "hostname": "more.example"}],
            },
        },
    ),
    ("backendtlspolicies", policy(NAMESPACE, ANOTHER, service=SECURED)[0]),
    ("xbackendtrafficpolicies", traffic_policy(NAMESPACE, ANOTHER, service=SECURED)),
)
"""Kinds, and an object whose status is missing as long as that of its kind may not be written."""


@pytest.fixture
def tidy(site: Site) -> Iterator[None]:
    yield
    for _, item in WRITTEN:
        site.cluster.client.delete(site.cluster.client.path_of(item))


@pytest.mark.usefixtures("tidy")
def test_statuses_that_may_not_be_written(site: Site) -> None:
    """All in one process: a write is allowed or not when it is made."""
    cluster, name = site.cluster, "no-statuses"
    with ExitStack() as missing:
        missing.enter_context(without_rule(cluster, "customresourcedefinitions"))
        with cluster.penstock(prepared=True, name=name):
            wait_until("the release is not known", lambda: site.lines(name, "WARNING", "Gateway API is known"), 60)
            wait_until("it serves", lambda: site.serves(WHOLE), 60)
            missing.close()
            for plural, item in WRITTEN:
                the_rest_is_written(site, plural, item, name)
            for _, item in WRITTEN:
                cluster.client.wait_for(cluster.client.path_of(item), said_something, 120)
            penstock = {"apiVersion": API, "kind": "GatewayClass", "metadata": {"name": "penstock"}}
            cluster.client.wait_for(cluster.client.path_of(penstock), lambda now: says(now, "SupportedVersion"), 120)
    for _, item in WRITTEN:
        assert len(site.lines(name, "ERROR", f"statuses of {item['kind']} are not written")) == 1
    assert len(site.lines(name, "Gateway API is known")) == 1


def the_rest_is_written(site: Site, plural: str, item: Object, name: str) -> None:
    client, good = site.cluster.client, route(NAMESPACE, f"beside-{plural}", host=f"{plural}.example")
    with without_rule(site.cluster, f"{plural}/status", prepared=True):
        client.apply_object(item)
        wait_until(
            "it is named",
            lambda: site.lines(name, "ERROR", f"allow it with a ClusterRole that has patch on {plural}/status"),
            60,
        )
        client.apply_object(good)
        client.wait_for(client.path_of(good), lambda now: says(now, "Accepted"), 60)
        assert status_of(site.cluster, site.address, f"{plural}.example") == 200
        found = client.get(client.path_of(item))
        assert found is not None
        assert not said_something(found)


def said_something(item: Object) -> bool:
    """Whether its status has a word of this generation. What the API server itself begins with is of none."""
    status = item.get("status") or {}
    holders = [status, *(status.get("ancestors") or ())]
    conditions = [each for holder in holders for each in holder.get("conditions") or ()]
    return any(each.get("observedGeneration") == item["metadata"]["generation"] for each in conditions)


def test_events_that_may_not_be_written(site: Site) -> None:
    client, name, good = site.cluster.client, "no-events", route(NAMESPACE, "eventful", host="eventful.example")
    with without_rule(site.cluster, "events"), site.cluster.penstock(prepared=True, name=name):
        client.apply_object(route(NAMESPACE, "astray", host="astray.example", service="nowhere"))
        client.apply_object(good)
        client.wait_for(client.path_of(good), lambda now: says(now, "Accepted"), 60)
        wait_until("it is named", lambda: site.lines(name, "WARNING", "allow it with create and patch on events"), 60)
        assert status_of(site.cluster, site.address, "eventful.example") == 200
    assert len(site.lines(name, "no events are written")) == 1


def test_a_lease_that_may_not_be_held(site: Site) -> None:
    """Nobody may write, so nothing is written; traffic does not need it."""
    client, name, made = site.cluster.client, "no-lease", route(NAMESPACE, "leased", host="leased.example")
    with ExitStack() as missing:
        missing.enter_context(without_rule(site.cluster, "leases", role=ELECTION))
        with site.cluster.penstock(prepared=True, name=name):
            wait_until("it is named", lambda: site.lines(name, "ERROR", "allow get, create and update on leases"), 60)
            client.apply_object(made)
            wait_until("it serves", lambda: status_of(site.cluster, site.address, "leased.example") == 200, 60)
            assert not counters(site.cluster).written("HTTPRoute")
            missing.close()
            client.wait_for(client.path_of(made), lambda now: says(now, "Accepted"), 60)
    assert len(site.lines(name, "no statuses are written")) == 1
