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
)
from tests.conformance.client import Object, wait_until
from tests.conformance.penstock import CONTROLLER
from tests.conformance.session import Cluster

HOST: Final = "rights.example"
NAMESPACE: Final = "rights"
API: Final = "gateway.networking.k8s.io/v1"
WHOLE: Final = {"/": 200, "/moved": 302}


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
    routes = (route(NAMESPACE, "all", host=HOST), redirect(NAMESPACE, "moved", "/moved", host=HOST))
    for item in (web, secret(NAMESPACE, "chain", certificate(HOST)), *routes, *policy(NAMESPACE, "trusted")):
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
    "configmaps": WHOLE,
    "backendtlspolicies": WHOLE,
    "listenersets": WHOLE,
    "referencegrants": WHOLE,
    "backends": WHOLE,
    "gatewayparameters": {},
}
"""What may not be read, and which paths are answered all the same, and with what."""


@pytest.mark.parametrize("plural", READ)
def test_what_may_not_be_read(site: Site, plural: str) -> None:
    name = f"no-{plural}"
    with ExitStack() as missing:
        missing.enter_context(without_rule(site.cluster, plural))
        with site.cluster.penstock(prepared=True, name=name):
            wait_until("it is named", lambda: site.lines(name, "ERROR", f"resource {plural}"), 60)
            wait_until("the rest serves", lambda: site.serves(READ[plural]), 60)
            missing.close()
            wait_until("all of it serves", lambda: site.serves(WHOLE) and site.presents(), 60)
            wait_until("nothing is wrong", lambda: site.lines(name, "all problems are solved"), 60)
    assert len(site.lines(name, "ERROR", f"resource {plural}")) == 1
    assert site.lines(name, f"resources: [{plural}], verbs: [get, list, watch]")
    assert not site.lines(name, "Traceback")
