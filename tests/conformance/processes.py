"""Processes that outlive the command that started them: known by a file with their id and their birth."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import NamedTuple

from tests.conformance.network import inside
from tests.conformance.place import Place

_POLL = 0.05
_children: dict[int, subprocess.Popen[bytes]] = {}
"""Those that this very process has started: they are to be waited for, or they stay as zombies."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    """What a process has used."""

    resident: int
    """Octets."""
    peak: int
    """Octets."""
    cpu: float
    """Seconds."""


def spawn(place: Place, name: str, argv: list[str], env: Mapping[str, str] | None = None) -> int:
    """Start it inside the cluster, its output in `logs/<name>.log`; returns its process id."""
    place.logs.mkdir(parents=True, exist_ok=True)
    place.pids.mkdir(parents=True, exist_ok=True)
    with (place.logs / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            inside(place, *argv),  # nsenter becomes the program, so the process id is the program's
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us, who stop them in order
            env={**os.environ, **(env or {})},
        )
    _children[process.pid] = process
    (place.pids / name).write_text(f"{process.pid} {born(process.pid)}")
    return process.pid


def born(pid: int) -> str:
    """The kernel's start time of the process, which tells it from a later one of the same number; "" if it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]


def running(place: Place) -> dict[str, int]:
    """Name to process id of all that live."""
    found = {}
    for file in sorted(place.pids.glob("*")):
        pid, _, birth = file.read_text().partition(" ")
        if birth and born(int(pid)) == birth:
            found[file.name] = int(pid)
    return found


def stop(place: Place, name: str, how: signal.Signals = signal.SIGTERM, patience: float = 10.0) -> None:
    """Ask it to end, and kill it when it has not after `patience` seconds. Returns when it is gone."""
    pid = running(place).get(name)
    if pid is not None:
        birth = born(pid)
        _signal(pid, how)
        if not _gone(pid, birth, patience):
            _signal(pid, signal.SIGKILL)
            _gone(pid, birth, patience)
    (place.pids / name).unlink(missing_ok=True)


def _gone(pid: int, birth: str, patience: float) -> bool:
    until = time.monotonic() + patience
    while born(pid) == birth:
        if time.monotonic() > until:
            return False
        if pid in _children:
            _children[pid].poll()
        time.sleep(_POLL)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def kill(pid: int) -> None:
    _signal(pid, signal.SIGKILL)


def usage(pid: int) -> Usage:
    with open(f"/proc/{pid}/status") as file:
        rows = (line.split() for line in file)
        sizes = {row[0]: int(row[1]) * 1024 for row in rows if row[0] in {"VmRSS:", "VmHWM:"}}
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return Usage(sizes.get("VmRSS:", 0), sizes.get("VmHWM:", 0), (int(fields[11]) + int(fields[12])) / _TICKS)
