"""Figures as text and JSON."""

import json

from benchmarks.load.interleave import Slot
from benchmarks.load.report import Result, Start, as_json, as_text, overview, summarise

ZERO = dict.fromkeys(("main_us", "system_us", "rate", "p50_ms", "p99_ms", "share", "requests", "errors"), 0.0)
MIB = 2**20


def slots(*turns: tuple[str, float]) -> list[Slot]:
    return [Slot(name, {**ZERO, "cpu_us": value, "errors": 1.0}) for name, value in turns]


def result(*turns: tuple[str, float], starts: dict[str, Start]) -> Result:
    base = next(iter(starts))
    return Result("get", "GET", 64, 1, base, summarise(slots(*turns), base, starts))


def test_rows_hold_medians_ratios_and_all_errors() -> None:
    starts = {"nginx": Start(0.1, 6 * MIB), "penstock": Start(1.0, 90 * MIB)}
    found = result(("nginx", 20), ("penstock", 30), ("nginx", 20), ("penstock", 50), ("nginx", 20), starts=starts)
    nginx, penstock = found.rows
    assert nginx.ratios["cpu_us"].median == 1.0
    assert penstock.values["cpu_us"] == 40
    assert (penstock.ratios["cpu_us"].median, penstock.ratios["cpu_us"].low, penstock.ratios["cpu_us"].high) == (
        2,
        1.5,
        2.5,
    )
    assert (penstock.errors, found.errors) == (2, 5)
    assert penstock.memory_mib == 90


def test_growth_is_measured_against_the_same_peer_with_the_smallest_table() -> None:
    starts = {"nginx@10": Start(0, 0), "p@10": Start(0, 0, "p@10"), "p@1000": Start(0, 0, "p@10")}
    found = result(("nginx@10", 10), ("p@10", 20), ("p@1000", 30), ("nginx@10", 10), starts=starts)
    assert [row.growth.median for row in found.rows] == [0, 0, 1.5]
    assert "1.50 (1.50–1.50)" in as_text(found)


def test_the_table_has_a_line_for_every_contestant_and_names_the_base() -> None:
    starts = {"nginx": Start(0, 0), "penstock": Start(0, 0)}
    lines = as_text(result(("nginx", 20), ("penstock", 30), ("nginx", 20), starts=starts)).splitlines()
    assert lines[0] == "GET: 64 connections, slots of 1 s, ratios to nginx"
    assert [line.split()[0] for line in lines[2:]] == ["nginx", "penstock"]
    assert "1.50 (1.50–1.50)" in lines[3]
    assert "growth" not in lines[1]


def test_the_overview_has_a_line_for_every_workload_and_size() -> None:
    plain = result(
        ("nginx", 20), ("penstock", 30), ("nginx", 20), starts={"nginx": Start(0, 0), "penstock": Start(0, 0)}
    )
    starts = {"nginx@10": Start(0, 0), "penstock@10": Start(0, 0), "penstock@99": Start(0, 0, "penstock@10")}
    sized = result(("nginx@10", 10), ("penstock@10", 20), ("penstock@99", 25), ("nginx@10", 10), starts=starts)
    lines = overview([plain, sized]).splitlines()
    assert lines[1].split() == ["nginx", "penstock"]
    assert lines[2].split() == ["get", "1.00", "(1.00–1.00)", "1.50", "(1.50–1.50)"]
    assert lines[-1].split()[:3] == ["get", "R=99", "–"]
    assert lines[-1].endswith("2.50 (2.50–2.50) growth 1.25")


def test_json_holds_the_same() -> None:
    found = result(("nginx", 20), ("nginx", 20), starts={"nginx": Start(0, 0)})
    body = json.loads(json.dumps(as_json({"python": "3.11"}, [found])))
    assert body["environment"] == {"python": "3.11"}
    assert body["results"][0]["rows"][0]["ratios"]["cpu_us"]["count"] == 2
