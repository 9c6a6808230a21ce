"""The demo, whole: started as make starts it, used with real requests, stopped in every way there is."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

import pytest

from tests.demo.configuration import free_port, write_configuration
from tests.demo.terminal import CTRL_C, Terminal

ROOT = Path(__file__).parent.parent.parent

PROGRAM = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from proxy.demo.play import play
from proxy.demo.stage import set_stage
from proxy.demo.terminal import own_foreground
with own_foreground():
    sys.exit(asyncio.run(play(set_stage({port}, {admin_port}, Path({source!r})), lambda text: print(text, flush=True))))
"""

LAST_LINE_OF_THE_GREETING = "Ctrl-C stops everything."


class Demo:
    """A running demo. Every process it starts carries a mark in its environment."""

    def __init__(self, terminal: Terminal, port: int, mark: str) -> None:
        self.terminal = terminal
        self.port = port
        self._mark = f"PENSTOCK_TEST_MARK={mark}".encode()

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str | None, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"content-type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.getheader("content-type"), answer.read()
        finally:
            connection.close()

    def processes(self) -> dict[int, str]:
        """Process id to command line of all that is left of it; zombies are not."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self._mark in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
            except OSError:  # gone meanwhile, or not ours
                continue
        return {pid: line for pid, line in found.items() if line}

    def process(self, fragment: str) -> int:
        [pid] = [pid for pid, line in self.processes().items() if fragment in line]
        return pid


def until(condition: Callable[[], bool]) -> bool:
    """True once the condition holds; False when it does not within a generous while."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    port, admin_port, mark = free_port(), free_port(), uuid4().hex
    source = write_configuration(tmp_path, free_port(), declared_port=80)
    (tmp_path / "demo.py").write_text(
        PROGRAM.format(root=str(ROOT), port=port, admin_port=admin_port, source=str(source))
    )
    (tmp_path / "Makefile").write_text(f"demo:\n\t@PENSTOCK_TEST_MARK={mark} {sys.executable} demo.py\n")
    command = ["env", f"PYTHONPATH={ROOT}", "make", "demo"]
    with Terminal(command, tmp_path) as terminal:
        terminal.read_until(LAST_LINE_OF_THE_GREETING)
        running = Demo(terminal, port, mark)
        yield running
        for pid in running.processes():
            os.kill(pid, signal.SIGKILL)


def test_hello_through_the_gateway_then_ctrl_c(demo: Demo) -> None:
    hello = b'{"from":"Penstock","message":"Hello, %s!","status":true}'
    assert demo.ask("GET", "/hello") == (200, "application/json", hello % b"Penstock")
    ada = json.dumps({"name": "Ada"}).encode()
    assert demo.ask("POST", "/hello", ada) == (200, "application/json", hello % b"Ada")
    assert f"curl http://127.0.0.1:{demo.port}/hello" in demo.terminal.screen

    demo.terminal.press(CTRL_C)
    assert demo.terminal.exit_code() == 0
    assert demo.terminal.screen.rstrip().endswith("Stopped.")
    assert demo.processes() == {}


def test_sigterm_stops_it_too(demo: Demo) -> None:
    os.kill(demo.process("demo.py"), signal.SIGTERM)
    assert demo.terminal.exit_code() == 0
    assert demo.processes() == {}


def test_killed_it_leaves_no_gateway_behind(demo: Demo) -> None:
    os.kill(demo.process("demo.py"), signal.SIGKILL)
    assert demo.terminal.exit_code() != 0
    assert until(lambda: demo.processes() == {}), demo.processes()


def test_a_gateway_that_ends_by_itself_is_not_success(demo: Demo) -> None:
    gateways = [pid for pid, line in demo.processes().items() if "-m proxy run" in line]
    os.kill(min(gateways), signal.SIGTERM)
    assert demo.terminal.exit_code() != 0
    assert "The gateway ended by itself with exit code 0" in demo.terminal.screen
    assert demo.processes() == {}
