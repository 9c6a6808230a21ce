"""Started processes: measured and always stopped."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.load.process import Process, free_port

SPIN = "sum(range(3_000_000)); print('done', flush=True); import time; time.sleep(60)"
PARENT = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def first_line(process: Process) -> bytes:
    assert process.popen.stdout is not None
    with process.popen.stdout as output:
        return output.readline()


def test_cpu_time_is_counted(tmp_path: Path) -> None:
    process = Process([sys.executable, "-c", SPIN], None, tmp_path / "log", stdout=subprocess.PIPE)
    try:
        assert first_line(process) == b"done\n"
        spent = process.cpu()
        assert spent.total == spent.main > 1_000_000
    finally:
        process.stop()


def test_stop_ends_the_whole_tree(tmp_path: Path) -> None:
    process = Process([sys.executable, "-c", PARENT], None, tmp_path / "log", stdout=subprocess.PIPE)
    child = int(first_line(process))
    assert set(process.tree()) == {process.pid, child}
    process.stop()
    assert not alive(process.pid) and not alive(child)
    process.stop()  # once more does no harm


def test_a_process_is_pinned(tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    process = Process(["sleep", "60"], core, tmp_path / "log")
    try:
        assert os.sched_getaffinity(process.pid) == {core}
        assert process.memory() > 0
    finally:
        process.stop()


def test_the_last_words_of_a_dead_process(tmp_path: Path) -> None:
    process = Process([sys.executable, "-c", "raise SystemExit('no such option')"], None, tmp_path / "log")
    process.popen.wait()
    assert process.died() == "no such option"
    process.stop()


def test_a_running_process_has_no_last_words(tmp_path: Path) -> None:
    process = Process(["sleep", "60"], None, tmp_path / "log")
    assert process.died() is None
    process.stop()


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", free_port()))


def test_a_taken_port_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as holder:
        taken = free_port()
        holder.bind(("127.0.0.1", taken))
        holder.listen()
        monkeypatch.setattr("random.shuffle", lambda ports: ports.insert(0, taken))
        assert free_port() != taken
