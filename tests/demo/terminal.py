"""A terminal for tests: a program on a pty of its own, as a shell would run it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

CTRL_C = b"\x03"

LAUNCH = """
import os, signal, sys
terminal = os.open(sys.argv[1], os.O_RDWR)
for stream in range(3):
    os.dup2(terminal, stream)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""The leader of a session gets the first terminal it opens as its own. Whoever started these tests in the background
has them ignore SIGINT, and what is ignored is inherited: who has a terminal of its own hears Ctrl-C all the same."""


def outside_make() -> dict[str, str]:
    """The environment without what make tells the makes it calls: these tests may run under one."""
    return {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}


class Terminal:
    """Runs a program as leader of a session on a new pty; kills that session at the end."""

    def __init__(self, arguments: Sequence[str], folder: Path) -> None:
        self._master, slave = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, os.ttyname(slave), *arguments],
            cwd=folder,
            env=outside_make(),
            pass_fds=(slave,),
            start_new_session=True,
        )
        os.close(slave)
        self.screen = ""

    def read_until(self, text: str) -> None:
        """Fails with all that was said when the program ends before saying it."""
        while text not in self.screen:
            said = self._read()
            assert said, f"ended without {text!r}; said:\n{self.screen}"
            self.screen += said

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def exit_code(self) -> int:
        """Reads what is still said, and waits."""
        while said := self._read():
            self.screen += said
        return self.process.wait()

    def _read(self) -> str:
        try:
            return os.read(self._master, 65536).decode()
        except OSError:  # EIO: nobody has the other side open any more
            return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)
