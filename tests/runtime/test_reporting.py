"""What people read on stderr."""

import logging

import pytest
from msgspec.structs import replace

from proxy.resources.problem import Problem
from proxy.runtime.reporting import SHOWN, Reporter
from proxy.snapshot.snapshot import Bind, Listener, Snapshot

BROKEN = Problem("error", "is missing", "HTTPRoute", "ns", "r", "spec.rules", "add it", "a.yaml", 3, 5)
EMPTY = Snapshot(1, (), {}, {}, {})


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="penstock")
    return caplog


def test_a_problem_is_told_once_with_its_place_and_hint(logged: pytest.LogCaptureFixture) -> None:
    reporter = Reporter(print)
    reporter.problems([BROKEN])
    reporter.problems([BROKEN])
    assert logged.text.count("a.yaml:3:5: error[HTTPRoute/ns/r]: spec.rules: is missing") == 1
    assert "hint: add it" in logged.text
    reporter.problems([])
    assert "all problems are solved" in logged.text
    reporter.problems([BROKEN])
    assert logged.text.count("is missing") == 2


def test_severities_are_levels(logged: pytest.LogCaptureFixture) -> None:
    Reporter(print).problems([BROKEN, Problem("warning", "odd"), Problem("notice", "skipped")])
    assert sorted(record.levelname for record in logged.records) == ["ERROR", "INFO", "WARNING"]


def test_of_very_many_problems_some_are_told_and_the_rest_counted(logged: pytest.LogCaptureFixture) -> None:
    Reporter(print).problems([Problem("error", f"wrong {number}") for number in range(SHOWN + 7)])
    assert len(logged.records) == SHOWN + 1
    assert "and 7 more problems" in logged.text


def test_the_summary_at_the_start() -> None:
    said: list[str] = []
    reporter = Reporter(said.append)
    reporter.started(None, [], 1, "")
    assert said == []
    spoken = {"http": "HTTP", "a": "TLS", "b": "HTTPS", "passed": "TLS", "db": "TCP", "dns": "UDP"}
    listeners = {f"ns/gw/{name}": Listener("ns/gw", name, spoken[name], b"", 1) for name in spoken}
    snapshot = replace(EMPTY, listeners=listeners)
    binds = [
        Bind("", 8080, ("ns/gw/http",)),
        Bind("::1", 81, ("ns/gw/a", "ns/gw/b")),
        Bind("", 82, ("ns/gw/passed",)),
        Bind("", 5432, ("ns/gw/db",)),
        Bind("", 53, ("ns/gw/dns",), "UDP"),
    ]
    reporter.started(snapshot, binds, 1, "http://127.0.0.1:9900/")
    assert said == [
        "Penstock serves 0 rules on 6 listeners, 0 backends with 1 worker.",
        "  http://localhost:8080  ns/gw/http",
        "  https://[::1]:81  ns/gw/a, ns/gw/b",
        "  tls://localhost:82  ns/gw/passed",
        "  tcp://localhost:5432  ns/gw/db",
        "  udp://localhost:53  ns/gw/dns",
        "  http://127.0.0.1:9900/  dashboard, metrics, health",
    ]


def test_each_generation_is_a_line(logged: pytest.LogCaptureFixture) -> None:
    Reporter(print).installed(EMPTY)
    assert "generation 1: 0 rules" in logged.text
