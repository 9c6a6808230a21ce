"""What is bound: sockets for every bind of the snapshot, one per worker, kept over reloads and workers."""

import socket
from collections.abc import Iterable, Iterator

from proxy.resources.problem import Problem
from proxy.runtime import sockets
from proxy.snapshot.snapshot import Bind, Snapshot, Transport
from proxy.translate.status.failures import BindFailure, declared_in

Key = tuple[str, int, Transport]
"""Address, bound port, TCP or UDP."""


def key_of(bind: Bind) -> Key:
    return bind.socket


class Plan:
    """How what is bound must change for a snapshot."""

    def __init__(self, opening: list[Bind], closing: list[Bind], failures: tuple[BindFailure, ...] = ()) -> None:
        self.opening = opening
        """Bound already, not yet served."""
        self.closing = closing
        """Still served."""
        self.failures = failures
        """One for each bind that could not be had."""


class Listeners:
    """The control process's copies of all listening sockets."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._bound: dict[Key, list[list[socket.socket]]] = {}
        self._binds: dict[Key, Bind] = {}

    def __len__(self) -> int:
        return len(self._bound)

    @property
    def binds(self) -> list[Bind]:
        """Those that are bound, as the snapshot in use has them."""
        return list(self._binds.values())

    def plan(self, snapshot: Snapshot) -> Plan:
        """Binds what is new. What goes is only named: it is served until the new snapshot is prepared."""
        wanted = {key_of(bind): bind for bind in snapshot.binds}
        closing = [bind for key, bind in self._binds.items() if key not in wanted]
        opening: list[Bind] = []
        failures: list[BindFailure] = []
        for key, bind in wanted.items():
            if key in self._bound:
                continue
            try:
                self._open(bind)
                opening.append(bind)
            except sockets.BindError as error:
                failures.append(bind_failure(bind, error))
        return Plan(opening, closing, tuple(failures))

    def settle(self, snapshot: Snapshot) -> None:
        """The snapshot is in use: binds are known as it has them."""
        self._binds = {key_of(bind): bind for bind in snapshot.binds if key_of(bind) in self._bound}

    def of_worker(self, index: int, bind: Bind) -> Iterator[socket.socket]:
        """One worker's sockets for a bind: one for each IP version."""
        for row in self._bound[key_of(bind)]:
            yield row[index]

    def all_of(self, binds: list[Bind]) -> list[socket.socket]:
        return [sock for bind in binds for row in self._bound[key_of(bind)] for sock in row]

    def close(self, binds: Iterable[Bind]) -> None:
        """Closes our copies. As long as they are open the kernel gives every worker the datagrams it gave it before:
        by the number of sockets for a port, whoever reads them.
        """
        for bind in binds:
            sockets.close(sock for row in self._bound.pop(key_of(bind)) for sock in row)
            self._binds.pop(key_of(bind), None)

    def _open(self, bind: Bind) -> None:
        shared = any((port, transport) == (bind.port, bind.transport) for _, port, transport in self._bound)
        self._bound[key_of(bind)] = sockets.bind(bind.address, bind.port, self._workers, shared, bind.transport)
        self._binds[key_of(bind)] = bind


def bind_failure(bind: Bind, error: sockets.BindError) -> BindFailure:
    return BindFailure(bind, "AddressNotUsable" if error.address_missing else "PortUnavailable", str(error), error.hint)


def bind_problems(failure: BindFailure) -> Iterator[Problem]:
    """One for each listener that the port was for, about the object that declares it."""
    for key in failure.bind.listeners:
        declared = declared_in(key)
        yield Problem(
            "error",
            f"listener {declared.listener}: {failure.message}",
            kind=declared.kind,
            namespace=declared.key.namespace,
            name=declared.key.name,
            field="spec.listeners",
            hint=failure.hint,
        )
