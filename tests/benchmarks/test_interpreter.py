"""Which Python it was."""

import os
import platform
import sys
from pathlib import Path

import pytest

from benchmarks.load.interpreter import UnfitInterpreter, command_path, describe, judge


@pytest.mark.parametrize(
    ("configure", "base", "pgo"),
    [
        ("'--enable-optimizations' '--with-lto'", "/opt/python", True),
        ("'--enable-shared' '--with-wheel-pkg-dir=/usr/share/python-wheels/'", "/usr", True),
        ("'--enable-shared' '--prefix=/root/.pyenv/versions/3.11.7'", "/root/.pyenv/versions/3.11.7", False),
        ("", "/usr", False),
    ],
)
def test_pgo(configure: str, base: str, pgo: bool) -> None:
    assert judge(configure, base)[0] is pgo


def test_this_interpreter_is_named() -> None:
    found = describe(sys.executable)
    assert found.version == platform.python_version()
    assert str(found).startswith(f"{platform.python_implementation()} {found.version}, ")


def test_an_interpreter_that_is_not_there_is_named() -> None:
    with pytest.raises(UnfitInterpreter, match="/nowhere/python does not run"):
        describe("/nowhere/python")


def test_an_interpreter_that_cannot_run_penstock_says_why(tmp_path: Path) -> None:
    (tmp_path / "proxy").mkdir()
    (tmp_path / "proxy" / "__init__.py").write_text("import missing\n")
    with pytest.raises(UnfitInterpreter, match=r"cannot run Penstock: ModuleNotFoundError.*missing"):
        describe(sys.executable, {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1"})


def test_a_relative_interpreter_is_found_from_wherever_servers_start() -> None:
    assert command_path("some/bin/python") == os.path.join(os.getcwd(), "some/bin/python")
    assert command_path("python3") == "python3", "a name is looked up on the PATH"
