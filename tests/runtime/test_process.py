"""What processes want from the machine."""

import asyncio
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.runtime import process


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("1000 100000", 1), ("garbage", 8), (None, 8)],
)
def test_a_containers_limit_counts(monkeypatch, tmp_path: Path, quota: str | None, cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    file = tmp_path / "cpu.max"
    if quota is not None:
        file.write_text(quota)
    assert process.usable_cores(file) == cores


def test_the_descriptor_limit_goes_to_the_hard_one() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, hard - 1), hard))
    try:
        assert process.raise_descriptor_limit() == hard
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
        assert process.raise_descriptor_limit() == hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_workers_import_what_control_imports(tmp_path: Path) -> None:
    """Not what happens to be called `proxy` where the command was typed."""
    (tmp_path / "proxy").mkdir()
    (tmp_path / "proxy" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    code = "import proxy, sys; print(proxy.__file__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=process.worker_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(Path(process.__file__).parents[1] / "__init__.py")


def test_the_users_own_allocator_settings_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TOP_PAD_", "7")
    assert process.worker_environment()["MALLOC_TOP_PAD_"] == "7"
    assert process.worker_environment()["MALLOC_MMAP_THRESHOLD_"] == process.MALLOC["MALLOC_MMAP_THRESHOLD_"]


def test_processes_have_names() -> None:
    before = Path("/proc/self/comm").read_text().strip()
    process.name_process("penstock-test")
    try:
        assert Path(f"/proc/self/task/{os.getpid()}/comm").read_text().strip() == "penstock-test"
    finally:
        process.name_process(before)


def test_uvloop_or_else_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = process.loop_factory()()
    assert type(loop).__module__.startswith(process.loop_name())
    loop.close()
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None)
    assert process.loop_name() == "asyncio"
    assert process.loop_factory() is asyncio.new_event_loop
