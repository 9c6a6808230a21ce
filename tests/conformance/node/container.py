"""One container: a process that is started again when it ends, and the lines it wrote."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.conformance.network import NAMESPACES
from tests.conformance.node.api import Object
from tests.conformance.node.command import path_of

log = logging.getLogger(__name__)

_LINES = 200_000
_LONGEST_LINE = 1 << 20
_BACK_OFF = 1.0
"""Seconds before a container that ended is started again."""
_TABLES = ("tcp", "tcp6", "udp", "udp6")
_LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp."""


class Line(NamedTuple):
    """A line of output, with its line feed, and the Unix time at which it came."""

    time: float
    text: bytes


class Container:
    """`spec` is the container of the Pod's spec."""

    def __init__(self, spec: Object) -> None:
        self.spec = spec
        self.name: str = spec["name"]
        self.lines: deque[Line] = deque(maxlen=_LINES)
        self.restarts = 0
        self.ready = False
        self.pid = 0
        self._process: asyncio.subprocess.Process | None = None

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def keep(self, argv: list[str], namespace: str, env: dict[str, str], ended: Callable[[], None]) -> None:
        """Run it for ever; `ended` is called each time it has ended by itself."""
        while True:
            code = await self._run([path_of("nsenter"), f"--net={NAMESPACES / namespace}", *argv], env)
            log.warning("container %s in %s ended with %s", self.name, namespace, code)
            self.ready = False
            self.restarts += 1
            ended()
            await asyncio.sleep(_BACK_OFF)

    async def _run(self, argv: list[str], env: dict[str, str]) -> int:
        self._process = await asyncio.create_subprocess_exec(
            *argv,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=_LONGEST_LINE,
        )
        self.pid = self._process.pid
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(Line(time.time(), line))
        return await self._process.wait()

    async def stop(self, grace: float) -> None:
        """SIGTERM, and SIGKILL after `grace` seconds."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def is_listening(self) -> bool:
        """Whether any socket of its namespace listens: TCP by state, UDP by being there."""
        return self.runs and any(
            _listens(Path(f"/proc/{self.pid}/net/{table}")) for table in ("tcp", "tcp6", "udp", "udp6")
        )


def _listens(table: Path) -> bool:
    try:
        rows = table.read_text().splitlines()[1:]
    except OSError:
        return False
    return any(table.name.startswith("udp") or row.split()[3] == _LISTEN for row in rows)
