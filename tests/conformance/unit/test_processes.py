"""Processes known by files, and clusters that belong to a checkout: what is ended, and what is left alone."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance import processes
from tests.conformance.cluster import ClusterError, refuse_foreign
from tests.conformance.place import Place

_STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
_OBEDIENT = "import signal; print(flush=True); signal.pause()"


@dataclass(frozen=True)
class Elsewhere(Place):
    """A place in a directory of a test."""

    root: Path

    @property
    def directory(self) -> Path:
        return self.root / "build"

    @property
    def memory(self) -> Path:
        return self.root / "memory"


@pytest.fixture
def place(tmp_path: Path) -> Elsewhere:
    found = Elsewhere("unit", tmp_path)
    found.pids.mkdir(parents=True)
    found.memory.mkdir()
    return found


Child = subprocess.Popen[str]


@pytest.fixture
def child(request: pytest.FixtureRequest) -> Iterator[Child]:
    """A process that has begun to run its code, which is the parameter."""
    with subprocess.Popen([sys.executable, "-c", request.param], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def note(place: Place, process: Child, birth: str | None = None) -> None:
    (place.pids / "tool").write_text(f"{process.pid} {processes.born(process.pid) if birth is None else birth}")


@pytest.mark.parametrize(
    ("child", "code"), [(_OBEDIENT, -signal.SIGTERM), (_STUBBORN, -signal.SIGKILL)], indirect=["child"]
)
def test_a_process_is_asked_to_end_and_then_made_to(place: Elsewhere, child: Child, code: int) -> None:
    note(place, child)
    assert processes.running(place) == {"tool": child.pid}
    processes.stop(place, "tool", patience=0.3 if code == -signal.SIGKILL else 30)
    assert child.wait() == code
    assert processes.running(place) == {}
    assert list(place.pids.iterdir()) == []


@pytest.mark.parametrize("child", [_OBEDIENT], indirect=True)
def test_a_process_that_only_has_the_number_is_left_alone(place: Elsewhere, child: Child) -> None:
    note(place, child, birth="1")
    assert processes.running(place) == {}
    processes.stop(place, "tool")
    assert child.poll() is None


@pytest.mark.parametrize("child", [_OBEDIENT], indirect=True)
def test_what_a_process_has_used_is_read_from_the_kernel(child: Child) -> None:
    used = processes.usage(child.pid)
    assert used.peak >= used.resident > 1 << 20


def test_a_process_that_is_gone_has_no_birth() -> None:
    assert processes.born(2**22 + 1) == ""


def test_a_cluster_of_another_checkout_is_refused(place: Elsewhere, tmp_path: Path) -> None:
    other = tmp_path / "other" / "build"
    (place.memory / "owner").write_text(str(other))
    refuse_foreign(place)  # that checkout is gone, so these are leftovers
    other.mkdir(parents=True)
    with pytest.raises(ClusterError, match=f"belongs to {other}: end it there, or set PENSTOCK_CLUSTER"):
        refuse_foreign(place)


def test_ones_own_cluster_and_no_cluster_are_not(place: Elsewhere) -> None:
    refuse_foreign(place)
    (place.memory / "owner").write_text(str(place.directory))
    refuse_foreign(place)
