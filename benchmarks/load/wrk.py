"""wrk, the closed-loop load generator: its command line for a workload, and what it prints."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.process import Process
from benchmarks.load.tools import path_of
from benchmarks.load.workloads import Table, Workload

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}
_TIMEOUT = 10
"""Seconds after which wrk counts a request as failed."""


class LoadFailed(Exception):
    """wrk printed no figures; the message holds what it did print."""


@dataclass(frozen=True)
class Load:
    """What wrk saw during one slot."""

    requests: int
    rate: float
    """Requests per second."""
    p50_ms: float
    p99_ms: float
    errors: int
    """Answers other than 2xx and 3xx, and sockets that failed or timed out."""


def run(argv: Sequence[str], core: int, log: Path, env: Mapping[str, str]) -> Load:
    """Runs a `command` on `core` to its end, in our session."""
    process = Process(argv, core, log, env, stdout=subprocess.PIPE, own_session=False)
    try:
        output, _ = process.popen.communicate()
    finally:
        process.stop()
    return parse(output.decode(errors="replace"))


def command(workload: Workload, table: Table, port: int, seconds: int, directory: Path) -> list[str]:
    host, path, headers = workload.request(table)
    argv = [
        path_of("wrk"),
        "-t1",
        f"-c{workload.connections}",
        f"-d{seconds}s",
        f"--timeout={_TIMEOUT}s",
        "--latency",
    ]
    for name, value in (("Host", host), *headers):
        argv += ["-H", f"{name}: {value}"]
    if workload.body:
        argv += ["-s", str(_post_script(workload.body, directory))]
    if workload.varied:
        argv += ["-s", str(_varying_script(path, directory))]
    scheme = "https" if workload.secure else "http"
    return [*argv, f"{scheme}://{table.host}:{port}{path}"]


def _post_script(octets: int, directory: Path) -> Path:
    script = directory / f"post-{octets}.lua"
    script.write_text(
        f'wrk.method = "POST"\nwrk.body = string.rep("x", {octets})\n'
        'wrk.headers["Content-Type"] = "application/octet-stream"\n'
    )
    return script


def _varying_script(path: str, directory: Path) -> Path:
    script = directory / "vary.lua"
    script.write_text(
        "local n = 0\n"
        "function request()\n"
        "  n = n + 1\n"
        '  wrk.headers["Cookie"] = "sid=0f8fad5b-d9cb-469f-a165-" .. n .. "; theme=dark; _ga=GA1.2.1234567890"\n'
        '  wrk.headers["Referer"] = "https://bench.example.com/some/page?with=" .. n\n'
        f'  return wrk.format(nil, "{path}/" .. n)\n'
        "end\n"
    )
    return script


def parse(output: str) -> Load:
    """The figures in wrk's output; LoadFailed when there are none."""
    requests = re.search(r"(\d+) requests in ", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if requests is None or rate is None:
        raise LoadFailed(f"wrk printed no figures: {output.strip()[:300]!r}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    errors = int(refused[1]) if refused else 0
    errors += sum(map(int, sockets.groups())) if sockets else 0
    return Load(int(requests[1]), float(rate[1]), _percentile(output, 50), _percentile(output, 99), errors)


def _percentile(output: str, percent: int) -> float:
    found = re.search(rf"\n\s+{percent}%\s+([\d.]+)(us|ms|s|m|h)\b", output)
    return float(found[1]) * _UNITS[found[2]] if found else 0.0
