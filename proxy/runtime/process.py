"""What the processes want from the machine: descriptors, cores, an event loop, memory that is kept."""

import asyncio
import ctypes
import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PR_SET_NAME = 15
"""prctl(2)."""

MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(64 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024),
    "MALLOC_TOP_PAD_": str(1024 * 1024),
}
"""For workers: glibc otherwise maps and unmaps each 256 KiB read, which costs a third of the CPU of big bodies."""

CONTROL_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
"""A terminal and many supervisors send them to all processes; only control acts on them."""

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def raise_descriptor_limit() -> int:
    """RLIMIT_NOFILE to its hard limit, which it returns. Workers inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def usable_cores(quota: Path = CPU_QUOTA) -> int:
    """Cores that this process may use, and no more than its container's CPU limit lets it."""
    cores = len(os.sched_getaffinity(0))
    try:
        allowed, period = quota.read_text().split()
        return max(1, min(cores, -(-int(allowed) // int(period))))
    except (OSError, ValueError):  # no such cgroup, or "max"
        return cores


def worker_environment() -> dict[str, str]:
    """Ours, with the allocator's settings, and with imports resolved exactly as here."""
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return {**MALLOC, **os.environ, "PYTHONPATH": path}


@contextmanager
def signals_held() -> Iterator[None]:
    """Children started meanwhile get none of CONTROL_SIGNALS until `ignore_signals`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, CONTROL_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_signals() -> None:
    """For workers; what was held is dropped."""
    for number in CONTROL_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, CONTROL_SIGNALS)


def name_process(name: str) -> None:
    """What `ps -o comm` and `top` show; at most 15 octets."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode())


def loop_name() -> str:
    """Which event loop serves requests."""
    return "uvloop" if importlib.util.find_spec("uvloop") else "asyncio"


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's, or asyncio's where there is no uvloop."""
    if loop_name() == "asyncio":
        return asyncio.new_event_loop
    import uvloop  # noqa: PLC0415 - it may be absent

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
