"""Child processes of a benchmark: pinned, favoured by the scheduler, measured from /proc, always stopped."""

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_KILL_POLL = 0.002
_libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class CpuTime:
    """Nanoseconds on a core, of a process tree, since its start."""

    total: int
    main: int
    """Of which the root process (penstock's control process, the masters of nginx and HAProxy)."""
    system: int
    """Of which in the kernel, in steps of the kernel's tick (10 ms)."""

    def __sub__(self, earlier: "CpuTime") -> "CpuTime":
        return CpuTime(self.total - earlier.total, self.main - earlier.main, self.system - earlier.system)


class Process:
    """A started program. Ctrl-C reaches only us, and we stop it in order."""

    def __init__(
        self,
        argv: Sequence[str],
        core: int | None,
        log: Path,
        env: Mapping[str, str] | None = None,
        stdout: int | None = None,
        own_session: bool = True,
    ) -> None:
        """`own_session` False leaves it in ours, and so in our autogroup. Ctrl-C still does not reach it."""
        self.name = Path(argv[0]).name
        self.log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=output if stdout is None else stdout,
                stderr=output,
                env={**os.environ, **(env or {})},
                cwd=log.parent,
                start_new_session=own_session,
                process_group=None if own_session else 0,
                preexec_fn=lambda: _settle(core),  # noqa: PLW1509 - the harness has one thread
            )
        if own_session:
            favour(self.popen.pid)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def tree(self) -> list[int]:
        """This process and all its descendants."""
        children = _children()
        found, todo = [], [self.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += children.get(pid, [])
        return found

    def cpu(self) -> CpuTime:
        tree = self.tree()
        return CpuTime(
            total=sum(_on_cpu_ns(pid) for pid in tree),
            main=_on_cpu_ns(self.pid),
            system=sum(_system_ns(pid) for pid in tree),
        )

    def memory(self) -> int:
        """Octets of memory of the tree, shared pages counted in shares (Pss)."""
        return sum(_pss(pid) for pid in self.tree())

    def died(self) -> str | None:
        """The end of its output when it has ended, else None."""
        if self.popen.poll() is None:
            return None
        return self.log.read_text(errors="replace")[-600:].strip() or f"exit code {self.popen.returncode}"

    def stop(self, patience: float = 10.0) -> None:
        """SIGTERM, then SIGKILL for whatever of the tree is left. Returns with none of it running."""
        tree = {pid: _born(pid) for pid in self.tree()}
        self.popen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(patience)
        for pid, born in tree.items():
            while born and _born(pid) == born:  # still the same process, not a later one with its number
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                self.popen.poll()
                time.sleep(_KILL_POLL)
        self.popen.wait()


def favour(pid: int) -> bool:
    """Puts the autogroup of `pid`'s session before all others; False when the kernel does not let us.

    With sched_autogroup on (the default) `nice` weighs processes only within one session; between
    sessions it is the autogroup's own nice value that counts. Without this, anything else on the
    machine takes half of the core and every figure is noise.
    """
    try:
        Path(f"/proc/{pid}/autogroup").write_text("-20")
    except OSError:
        return False
    return True


def _settle(core: int | None) -> None:
    """Runs in the child: its core, and an end of its own should the harness be killed outright."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    die_with_parent(signal.SIGTERM)


def die_with_parent(number: signal.Signals) -> None:
    """Have the kernel send us `number` when our parent is gone."""
    _libc.prctl(_PR_SET_PDEATHSIG, number)


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for pid in _pids():
        with contextlib.suppress(OSError):
            children.setdefault(int(_stat(pid)[1]), []).append(pid)
    return children


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third (state) on; the second may hold spaces and brackets."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _on_cpu_ns(pid: int) -> int:
    """Exact run time of all threads (schedstat); stat's ticks where the kernel has none."""
    total = 0
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            total += int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])
    except (OSError, IndexError):
        with contextlib.suppress(OSError):
            fields = _stat(pid)
            total = (int(fields[11]) + int(fields[12])) * _TICK_NS
    return total


def _born(pid: int) -> str:
    """When the process started, in ticks since the boot; "" when there is none. A zombie counts as none."""
    with contextlib.suppress(OSError):
        fields = _stat(pid)
        return "" if fields[0] == "Z" else fields[19]
    return ""


def _system_ns(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(_stat(pid)[12]) * _TICK_NS
    return 0


def _pss(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on.

    Taken from below the ephemeral range: a port out of that range could become the local port of a
    proxy's upstream connection between this check and the bind.
    """
    ports = list(range(20_000, 32_000))
    random.shuffle(ports)
    for port in ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port between 20000 and 32000 on 127.0.0.1")
