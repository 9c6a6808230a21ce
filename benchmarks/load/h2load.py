"""h2load, the load generator for HTTP/2: its command line for a workload, and what it prints."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.load.process import Process
from benchmarks.load.tools import path_of
from benchmarks.load.workloads import Table, Workload
from benchmarks.load.wrk import Load, LoadFailed

STREAMS = 8
"""Requests in flight on each connection."""


def command(workload: Workload, table: Table, port: int, seconds: int, directory: Path) -> list[str]:
    _, path, headers = workload.request(table)
    argv = [path_of("h2load"), "-t1", f"-c{workload.connections}", f"-m{STREAMS}", f"-D{seconds}"]
    for name, value in headers:
        argv += ["-H", f"{name.lower()}: {value}"]
    if workload.body:
        body = directory / f"post-{workload.body}.bin"
        body.write_bytes(b"x" * workload.body)
        argv += ["-d", str(body)]
    scheme = "https" if workload.secure else "http"
    return [*argv, f"{scheme}://127.0.0.1:{port}{path}"]


def run(argv: Sequence[str], core: int, log: Path, env: Mapping[str, str]) -> Load:
    """Runs a `command` on `core` to its end, in our session."""
    process = Process(argv, core, log, env, stdout=subprocess.PIPE, own_session=False)
    try:
        output, _ = process.popen.communicate()
    finally:
        process.stop()
    return parse(output.decode(errors="replace"))


def answers(port: int, workload: Workload) -> bool:
    """One request succeeds."""
    argv = [path_of("h2load"), "-n1", "-c1", "-m1", f"http://127.0.0.1:{port}{workload.path}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=10)
    return "status codes: 1 2xx" in done.stdout


def parse(output: str) -> Load:
    """The figures in h2load's output; LoadFailed when there are none. It tells a mean and a maximum, no percentiles."""
    counted = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded", output)
    rate = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", output)
    codes = re.search(r"status codes: (\d+) 2xx", output)
    if counted is None or rate is None or codes is None:
        raise LoadFailed(f"h2load printed no figures: {output.strip()[:300]!r}")
    done = int(counted[1])
    return Load(done, float(rate[1]), 0.0, 0.0, max(0, done - int(codes[1])))
