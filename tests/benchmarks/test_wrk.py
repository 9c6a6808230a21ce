"""wrk's command line and output."""

from pathlib import Path

import pytest

from benchmarks.load import wrk
from benchmarks.load.workloads import Table, Workload, choose

OUTPUT = """\
Running 1s test @ http://127.0.0.1:22001/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms  623.11us  15.90ms   92.06%
    Req/Sec    62.91k     3.22k   66.81k    90.00%
  Latency Distribution
     50%    0.92ms
     75%    1.17ms
     90%    1.49ms
     99%    3.43ms
  62611 requests in 1.01s, 23.47MB read
Requests/sec:  62082.35
Transfer/sec:     23.27MB
"""
FAULTS = "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 5\n"


def test_figures() -> None:
    assert wrk.parse(OUTPUT) == wrk.Load(62611, 62082.35, 0.92, 3.43, 0)


def test_failed_requests_and_sockets_are_added_up() -> None:
    assert wrk.parse(OUTPUT.replace("Requests/sec", FAULTS + "Requests/sec")).errors == 15


@pytest.mark.parametrize(("printed", "milliseconds"), [("250.00us", 0.25), ("1.50s", 1500.0), ("2.00m", 120_000.0)])
def test_units_of_time(printed: str, milliseconds: float) -> None:
    assert wrk.parse(OUTPUT.replace("0.92ms", printed)).p50_ms == milliseconds


def test_an_error_message_is_not_taken_for_figures() -> None:
    with pytest.raises(wrk.LoadFailed, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:1 Connection refused")


@pytest.fixture
def wrk_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrk, "path_of", lambda program: f"/usr/bin/{program}")


@pytest.mark.usefixtures("wrk_installed")
def test_command_of_a_get_with_twelve_headers(tmp_path: Path) -> None:
    (workload,) = choose(["get12"])
    argv = wrk.command(workload, Table(), 8080, 2, tmp_path)
    assert argv.count("-H") == 13
    assert "Host: bench.example.com" in argv
    assert argv[-1] == "http://127.0.0.1:8080/"


@pytest.mark.usefixtures("wrk_installed")
def test_command_of_a_route_workload_hits_the_last_route(tmp_path: Path) -> None:
    argv = wrk.command(Workload("h", "", shape="headers"), Table("headers", 100), 8080, 1, tmp_path)
    assert "X-Route: r000099" in argv


@pytest.mark.usefixtures("wrk_installed")
def test_command_of_a_post_names_a_script_with_its_body(tmp_path: Path) -> None:
    argv = wrk.command(Workload("p", "", body=7), Table(), 8080, 1, tmp_path)
    assert 'string.rep("x", 7)' in Path(argv[argv.index("-s") + 1]).read_text()
