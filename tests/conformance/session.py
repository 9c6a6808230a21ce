"""A cluster for tests: `with cluster("name") as found:` and it is up, with a client and ways to break things.

found.client        get, apply, delete, wait_for (client.py), from outside the cluster
found.run_inside    a command inside the cluster's network namespace, KUBECONFIG set
found.stop, start   one component: "kube-apiserver", "etcd", "kube-controller-manager", "node-agent"
found.penstock      Penstock as a process inside, for the length of a block
"""

import http.client
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tests.conformance import cluster as clusters
from tests.conformance import conformance, network, penstock, processes
from tests.conformance.client import Client, Object, wait_until
from tests.conformance.place import Place, place_named


class Answer(NamedTuple):
    """A response, as a client sees it."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Cluster:
    """A cluster that is up."""

    place: Place

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.place.kubeconfig

    @cached_property
    def client(self) -> Client:
        return Client(self.place)

    def run_inside(self, argv: Sequence[str], check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. Raises CalledProcessError for an exit code but 0, unless `check` is off."""
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        command = network.inside(self.place, *argv)
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=check)

    def fetch(self, ip: str, port: int, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
        """GET over HTTP/1.1 from inside the cluster, on a connection of its own. Raises OSError for no answer."""
        connection = http.client.HTTPConnection(ip, port, timeout=10)
        try:
            connection.sock = network.connect(self.place, (ip, port), 10)
            connection.request("GET", path, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        except http.client.HTTPException as error:
            raise ConnectionError(f"http://{ip}:{port}{path}: {error!r}") from error
        finally:
            connection.close()

    def stop(self, component: str) -> None:
        """As if its machine were gone."""
        if component == "kube-apiserver":
            wait_until("namespaces on their way out are gone", lambda: not self._leaving(), 120)
        clusters.stop(self.place, component)

    def _leaving(self) -> list[Object]:
        """Namespaces that are being deleted.

        An API server that comes back knows the kinds of CRDs a moment later: a namespace that goes meanwhile leaves
        its Gateways behind, in no namespace that there is.
        """
        found = self.client.call("GET", "/api/v1/namespaces")["items"]
        return [each for each in found if each["metadata"].get("deletionTimestamp")]

    def start(self, component: str) -> None:
        """Returns when the API server is ready, if it is that, with controllers that begin anew.

        Those that lived through a long outage ask for it again only every half minute, and no Pod starts meanwhile.
        """
        clusters.start(self.place, component)
        if component == "kube-apiserver":
            clusters.stop(self.place, "kube-controller-manager")
            clusters.start(self.place, "kube-controller-manager")

    @contextmanager
    def penstock(
        self,
        *options: str,
        name: str = "penstock",
        sources: Sequence[str] = ("kubernetes:",),
        prepared: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[int]:
        """Penstock with its rights and its class, for the block; gives its process id. Several need several names.

        `prepared`: rights and class are as they are to be. `environment`: more variables of it.
        """
        if not prepared:
            penstock.prepare(self.place)
        pid = penstock.start(self.place, name, options, sources, environment)
        try:
            yield pid
        finally:
            penstock.stop(self.place, name)

    def log_of(self, name: str) -> str:
        """What a component, or a Penstock of that name, has written."""
        path = self.place.logs / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def is_running(self, name: str) -> bool:
        return name in processes.running(self.place)


@contextmanager
def cluster(name: str | None = None, keep: bool = False, crd_folder: Path | None = None) -> Iterator[Cluster]:
    """A cluster of that name (else of PENSTOCK_CLUSTER) for the block, built first if need be.

    `crd_folder`: other CRDs than those of the experimental channel.
    Raises ClusterError or BuildError when this machine cannot have one. A cluster that was up stays up.
    """
    place = place_named(name)
    conformance.build()
    with conformance.standing(place, keep, crd_folder):
        yield Cluster(place)
