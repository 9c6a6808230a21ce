"""Floods of HTTP/2, each on raw sockets against a gateway of real processes.

Whatever is sent, the worker stays small, other clients are answered while it goes on, what was refused is counted by
reason, endpoints see little of it, and nothing is left when the attacker is gone.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from tests.e2e.floods import flights
from tests.e2e.floods.flights import Flight
from tests.e2e.test_memory import MIB, resident
from tests.protocol.http2 import frames as f
from tests.runtime.running import (
    HOST,
    PATIENCE,
    Backend,
    Gateway,
    backend,
    free_port,
    gateway,
    get,
    route,
    running,
    service,
    until,
)

ALLOWED = 64 * MIB
ANSWERS = 20
"""Requests of another client in the course of each flood."""


class Site(NamedTuple):
    gateway: Gateway
    port: int
    app: Backend
    pid: int
    before: int
    """Octets of the worker before any flood."""

    def refused(self) -> dict[str, float]:
        """By reason."""
        return {labels[1]: value for labels, value in self.gateway.samples("penstock_http2_refused_total").items()}

    def open(self, protocol: str) -> float:
        found = self.gateway.samples("penstock_open_connections")
        return sum(value for labels, value in found.items() if labels[1] == protocol)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port = free_port()
    source = tmp_path_factory.mktemp("floods") / "site.yaml"
    with backend() as app:
        Path(source).write_text(gateway(port) + route() + service(app.port))
        with running(source, workers=1) as runs:
            assert get(port, "/warm")[0].status == 200
            pid = runs.workers()[0]
            yield Site(runs, port, app, pid, resident(pid, "VmRSS"))


class Attacker:
    """One connection with its flight, sent by a thread of its own until all is sent or the gateway has had enough."""

    def __init__(self, port: int, flight: Flight) -> None:
        self._flight = flight
        self.socket = socket.create_connection((HOST, port), timeout=PATIENCE)
        self.under_way = threading.Event()
        self.thread = threading.Thread(target=self._send)

    def _send(self) -> None:
        try:
            for piece in self._flight():
                self.socket.sendall(piece)
                self.under_way.set()
        except ConnectionError:
            pass

    def __enter__(self) -> Self:
        self.thread.start()
        assert self.under_way.wait(PATIENCE)
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()


@contextmanager
def attacked(site: Site, flight: Flight) -> Iterator[Attacker]:
    """Others are answered while it goes on; within the block it has sent what it could, and is still there."""
    with Attacker(site.port, flight) as attacker:
        for _ in range(ANSWERS):
            assert get(site.port, "/other")[0].status == 200
        attacker.thread.join(PATIENCE)
        assert not attacker.thread.is_alive(), "the gateway neither reads nor ends"
        assert get(site.port, "/other")[0].status == 200
        yield attacker
    until(lambda: site.open("http/2") == 0, "the attacker's connection is over")
    until(lambda: site.open("http/1.1") == 0, "no other connection is left")
    assert resident(site.pid, "VmHWM") - site.before < ALLOWED


FLOODS: list[tuple[str, Flight, set[str]]] = [
    ("rapid-resets", flights.rapid_resets, {"reset_flood"}),
    ("resets-at-once", flights.resets_at_once, {"reset_flood"}),
    ("made-you-reset", flights.made_you_reset, {"reset_flood", "flood", "malformed"}),
    ("continuations", flights.continuations, {"flood"}),
    ("hpack-bomb", flights.hpack_bomb, {"flood"}),
    ("settings", flights.repeated(f.settings()), {"flood"}),
    ("pings", flights.repeated(f.frame(f.PING, 0, 0, b"12345678")), {"flood"}),
    ("empty-data", flights.repeated(f.frame(f.DATA, 0, 1)), {"flood"}),
    ("priorities", flights.repeated(f.frame(f.PRIORITY, 0, 1, b"\0\0\0\3\1")), {"flood"}),
    ("window-updates", flights.repeated(f.frame(f.WINDOW_UPDATE, 0, 0, b"\0\0\0\1")), set()),
    ("closed-stream", flights.closed_stream, set()),
]
"""Reasons that may be counted; of two, what arrives together decides, and so for `reset_at_once` beside all of them."""


@pytest.mark.parametrize(("flight", "reasons"), [row[1:] for row in FLOODS], ids=[row[0] for row in FLOODS])
def test_a_flood(site: Site, flight: Flight, reasons: set[str]) -> None:
    before, asked = site.refused(), len(site.app.asked)

    def counted() -> set[str]:
        now = site.refused()
        return {reason for reason in now if now[reason] > before.get(reason, 0.0)} - {"reset_at_once"}

    with attacked(site, flight):
        until(lambda: counted() or not reasons, "what it sent is read")  # had it gone before, it might not have been
    assert counted() <= reasons
    reached = [path for path in site.app.asked[asked:] if path != "/other"]
    assert len(reached) <= 100


@pytest.mark.parametrize("flight", [flights.zero_window, flights.slow_reader], ids=["zero-window", "slow-reader"])
def test_answers_that_nobody_takes(site: Site, flight: Flight) -> None:
    asked = site.app.asked.count("/big")
    with attacked(site, flight):
        until(lambda: site.app.asked.count("/big") == asked + 100, "all of them are asked for")
        assert get(site.port, "/other")[0].status == 200

    def kept() -> float:
        samples = site.gateway.samples("penstock_upstream_connections")
        return sum(value for labels, value in samples.items() if labels[1] == "active")

    until(lambda: kept() == 0, "no endpoint is kept by them")


def test_connections_that_never_say_what_they_are(site: Site) -> None:
    attackers = [socket.create_connection((HOST, site.port)) for _ in range(500)]
    for each in attackers:
        each.sendall(next(flights.half_a_preface()))
    assert get(site.port, "/other")[0].status == 200
    until(lambda: site.open("http/1.1") >= 500, "all of them are there")
    for each in attackers:
        each.close()
    until(lambda: site.open("http/1.1") == 0, "none of them is left")
    assert resident(site.pid, "VmHWM") - site.before < ALLOWED
