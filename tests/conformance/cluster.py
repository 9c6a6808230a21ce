"""A cluster up and down: network, certificates, etcd, API server, controllers, node agent, CRDs."""

import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.conformance import binaries, crds, network, pki, processes
from tests.conformance.client import ApiError, Client, wait_until
from tests.conformance.components import COMPONENTS, ENVIRONMENT
from tests.conformance.place import API_PORT, NODE, NODE_IP, Place

_PATIENCE = 120.0
_NOTHING_TO_SAVE = frozenset({"etcd", "kube-apiserver", "kube-controller-manager"})
"""Killed outright in the end; the node agent and what others started clean up behind themselves."""


class ClusterError(Exception):
    """The cluster cannot come up, or is not what is needed; the message says why and what to do."""


def up(place: Place, crd_folder: Path | None = None) -> float:
    """Bring it up; returns the seconds it took. Raises ClusterError; whatever was begun is then taken down."""
    _claim(place)
    begun = time.monotonic()
    try:
        _start_all(place, crd_folder or binaries.crds())
    except TimeoutError as error:
        down(place)
        raise ClusterError(str(error)) from error
    except BaseException:
        down(place)
        raise
    return time.monotonic() - begun


def _claim(place: Place) -> None:
    """A cluster belongs to one checkout; leftovers of ours are removed, those of others left alone."""
    refuse_foreign(place)
    if remains(place):
        print(f"removing what an earlier run of the cluster {place.name} left behind", flush=True)
        down(place)
    shutil.rmtree(place.logs, ignore_errors=True)
    place.memory.mkdir()
    _owner(place).write_text(str(place.directory))


def _owner(place: Place) -> Path:
    return place.memory / "owner"


def refuse_foreign(place: Place) -> None:
    """Raises ClusterError when a cluster of this name belongs to another checkout that still exists."""
    try:
        owner = Path(_owner(place).read_text())
    except FileNotFoundError:
        return
    if owner != place.directory and owner.is_dir():
        raise ClusterError(
            f"a cluster named {place.name} belongs to {owner}: end it there, or set PENSTOCK_CLUSTER to another name"
        )


def _start_all(place: Place, crd_folder: Path) -> None:
    network.create(place)
    pki.create(place)
    start(place, "etcd")
    start(place, "kube-apiserver")
    client = Client(place)
    start(place, "kube-controller-manager")
    start(place, "node-agent")
    crds.install(client, crd_folder)
    _await(
        place, "the default service account", lambda: client.get("/api/v1/namespaces/default/serviceaccounts/default")
    )
    _await(place, "the node", lambda: client.get(f"/api/v1/nodes/{NODE}"))


def start(place: Place, name: str) -> None:
    """Start one component of COMPONENTS; for the API server, wait until it is ready.

    One that was killed may still hold its port for a moment.
    """
    if name == "kube-apiserver":
        wait_until("the API server's port is free", lambda: not _listens(place), 30)
    processes.spawn(place, name, COMPONENTS[name](place), ENVIRONMENT)
    if name == "kube-apiserver":
        _await(place, "the API server", lambda: is_ready(place))


def _listens(place: Place) -> bool:
    try:
        network.connect(place, (NODE_IP, API_PORT), 1).close()
    except OSError:
        return False
    return True


def stop(place: Place, name: str) -> None:
    """Stop one component, at once: as a machine that is gone."""
    processes.stop(place, name, signal.SIGKILL)


def is_ready(place: Place) -> bool:
    status, _ = Client(place).request("GET", "/readyz")
    return status == 200


def is_up(place: Place) -> bool:
    """All components live and the API server answers."""
    try:
        refuse_foreign(place)
        return set(COMPONENTS) <= set(processes.running(place)) and is_ready(place)
    except (OSError, ApiError, ClusterError):
        return False


def _await(place: Place, what: str, condition: Callable[[], object]) -> None:
    def holds() -> object:
        dead = sorted(set(_started(place)) - set(processes.running(place)))
        if dead:
            raise ClusterError(f"waiting for {what}: {', '.join(dead)} ended\n{tail(place, dead[0])}")
        return condition()

    wait_until(what, holds, _PATIENCE)


def _started(place: Place) -> list[str]:
    return [file.name for file in place.pids.glob("*") if file.name in COMPONENTS]


def tail(place: Place, name: str, lines: int = 10) -> str:
    log = place.logs / f"{name}.log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


# --- the end ----------------------------------------------------------------------------------


def remains(place: Place) -> bool:
    """Whether anything of it is there, whole or not."""
    return bool(processes.running(place) or network.namespaces_of(place) or place.memory.exists())


def down(place: Place) -> None:
    """End it and remove all of it but its logs, whole or not. Raises ClusterError if it is another checkout's."""
    refuse_foreign(place)
    for name in sorted(processes.running(place), key=_stopping_order):
        processes.stop(place, name, signal.SIGKILL if name in _NOTHING_TO_SAVE else signal.SIGTERM)
    for namespace in sorted(network.namespaces_of(place), reverse=True):
        for pid in network.processes_in(namespace):  # whatever still runs inside was started by us
            processes.kill(pid)
        network.remove(namespace)
    for folder in (place.memory, place.pids, place.pki, place.pods):
        shutil.rmtree(folder, ignore_errors=True)
    for file in place.directory.glob("*kubeconfig*"):
        file.unlink()


def _stopping_order(name: str) -> int:
    """First what is not ours to know (an implementation under test), then the components, last started first."""
    return -list(COMPONENTS).index(name) if name in COMPONENTS else -len(COMPONENTS)


def status(place: Place) -> str:
    """A line for each process: id, memory, peak, CPU."""
    lines = []
    for name, pid in processes.running(place).items():
        used = processes.usage(pid)
        mib = 1 << 20
        lines.append(
            f"{name:24} pid {pid:7}  {used.resident // mib:5} MiB  peak {used.peak // mib:5} MiB  CPU {used.cpu:7.1f} s"
        )
    return "\n".join(lines) or f"the cluster {place.name} is down"
