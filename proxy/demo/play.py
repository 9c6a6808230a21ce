"""The demo itself: the hello backend in this process, the gateway as a child, until someone says stop."""

import asyncio
import ctypes
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from aiohttp import web

from proxy.demo.hello import application
from proxy.demo.stage import LOOPBACK, Stage

POLL_EVERY = 0.05
"""Seconds between two looks at /readyz."""
POLL_TIMEOUT = 1.0
"""Seconds for one look."""
PR_SET_PDEATHSIG = 1
"""prctl(2)."""

Say = Callable[[str], None]


async def play(stage: Stage, say: Say) -> int:
    """The exit code: 0 after SIGINT or SIGTERM and a graceful stop, else what went wrong."""
    async with backend(stage.backend_host, stage.backend_port):
        gateway = await start_gateway(stage)
        asked = stop_on_signal(gateway)
        greeting = asyncio.create_task(greet_when_ready(stage, say))
        try:
            code = await gateway.wait()
        finally:
            greeting.cancel()
    if not asked.is_set():
        say(f"The gateway ended by itself with exit code {code}; what it said stands above.")
        return 1
    say("Stopped." if code == 0 else f"Stopped, but not gracefully: the gateway's exit code is {code}.")
    return abs(code)


@asynccontextmanager
async def backend(host: str | None, port: int) -> AsyncIterator[None]:
    """The hello backend, answering while the body runs; on every address when `host` is None."""
    runner = web.AppRunner(application(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


async def start_gateway(stage: Stage) -> asyncio.subprocess.Process:
    """In a process group of its own, so that Ctrl-C reaches it once, through us."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "run", str(stage.source)),
        *("--address", LOOPBACK, "--admin", stage.admin, "--map-port", f"{stage.declared_port}={stage.port}"),
        process_group=0,
        preexec_fn=die_with_parent,
    )


def die_with_parent() -> None:
    """Even when we are killed no gateway stays behind (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def stop_on_signal(gateway: asyncio.subprocess.Process) -> asyncio.Event:
    """Passes every SIGINT and SIGTERM on: the gateway drains at the first and stops at once at the second."""
    asked = asyncio.Event()

    def stop() -> None:
        asked.set()
        if gateway.returncode is None:
            gateway.terminate()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop)
    loop.add_signal_handler(signal.SIGTERM, stop)
    return asked


async def greet_when_ready(stage: Stage, say: Say) -> None:
    while True:
        if await asyncio.to_thread(is_ready, stage):
            return say(greeting(stage))
        await asyncio.sleep(POLL_EVERY)


def is_ready(stage: Stage) -> bool:
    connection = HTTPConnection(LOOPBACK, stage.admin_port, timeout=POLL_TIMEOUT)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def greeting(stage: Stage) -> str:
    return f"""
The hello backend answers on {stage.backend_host}:{stage.backend_port}.
The gateway before it answers on {LOOPBACK}:{stage.port}. Try:

  curl {stage.url}
  curl -X POST -H 'Content-Type: application/json' --data '{{"name":"Ada"}}' {stage.url}

Dashboard      http://{stage.admin}/
Metrics        http://{stage.admin}/metrics
Configuration  {shown(stage.source)}
               (edit and save it: the gateway takes the change at once)

Ctrl-C stops everything.
"""


def shown(path: Path) -> str:
    """As short as it can be typed from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
