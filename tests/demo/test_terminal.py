"""Ctrl-C under make: the demo ends well, and so does make."""

import os
import sys
from pathlib import Path

import pytest

from proxy.demo.terminal import own_foreground
from tests.demo.terminal import CTRL_C, Terminal

ROOT = Path(__file__).parent.parent.parent

RECIPE = """
import signal, sys
from contextlib import nullcontext
sys.path.insert(0, {root!r})
from proxy.demo.terminal import own_foreground
with {context}:
    try:
        print("it runs", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


def under_make(folder: Path, context: str) -> tuple[int, str]:
    """Exit code of make and the screen, after Ctrl-C to a recipe that runs in `context` and ends with 0."""
    (folder / "recipe.py").write_text(RECIPE.format(root=str(ROOT), context=context))
    (folder / "Makefile").write_text(f"demo:\n\t@{sys.executable} recipe.py\n")
    with Terminal(["make", "demo"], folder) as terminal:
        terminal.read_until("it runs")
        terminal.press(CTRL_C)
        return terminal.exit_code(), terminal.screen


def test_make_ends_with_0_after_ctrl_c(tmp_path: Path) -> None:
    code, screen = under_make(tmp_path, "own_foreground()")
    assert code == 0
    assert "stopped" in screen
    assert "Error" not in screen
    assert "Interrupt" not in screen


def test_without_a_foreground_of_its_own_make_would_not(tmp_path: Path) -> None:
    code, screen = under_make(tmp_path, "nullcontext()")
    assert code != 0
    assert "stopped" in screen


def test_without_a_terminal_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_terminal(path: str, flags: int) -> int:
        raise OSError(6, f"No such device or address: {path}")

    group = os.getpgrp()
    monkeypatch.setattr(os, "open", no_terminal)
    with own_foreground():
        assert os.getpgrp() == group
