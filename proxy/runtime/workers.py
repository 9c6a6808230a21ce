"""Workers as control sees them: started, asked, and noticed when they end."""

import asyncio
import logging
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence

from proxy.observe.metrics import SharedSeries
from proxy.runtime import ipc
from proxy.runtime.process import signals_held, worker_environment

log = logging.getLogger("penstock")

SEND_BUFFER = 4 * 1024 * 1024
"""Octets: configurations of many routes go over the pair."""
LAST_BREATH = 0.2
"""Seconds from the end of the channel to that of the process, before it is helped along."""


class WorkerGone(Exception):
    """The worker ended before it answered."""


class WorkerRefused(Exception):
    """The worker could not do what it was asked; says why."""


class Worker:
    """One worker process, from its start to its end. `generation` is the one it has acknowledged."""

    def __init__(self, index: int, on_gone: Callable[["Worker"], None]) -> None:
        """Starts it. `on_gone` is called once when it has ended, unless it was asked to."""
        self.index = index
        self.generation = 0
        self.gone = False
        self.series = SharedSeries.create(f"worker-{index}")
        self.started_at = asyncio.get_running_loop().time()
        self._on_gone = on_gone
        self._waiting: deque[asyncio.Future[int]] = deque()
        ours, theirs = socket.socketpair()
        with theirs, signals_held():
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "proxy.runtime.worker", str(index), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=worker_environment(),
            )
        self._channel = ipc.Channel(ours, self)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, message: ipc.Command, descriptors: Sequence[int] = ()) -> "asyncio.Future[int]":
        """The reply's value. The future fails with WorkerRefused or WorkerGone."""
        return self.ask_encoded(ipc.encode(message), descriptors)

    def ask_encoded(self, data: bytes, descriptors: Sequence[int] = ()) -> "asyncio.Future[int]":
        """The same for a message that was encoded once for all workers."""
        reply: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(reply)
        self._channel.send(data, descriptors)
        if self.gone:
            self._fail_waiting()
        return reply

    async def end(self) -> None:
        """Takes the channel away, upon which the worker ends; killed if it does not."""
        self._part()
        await asyncio.to_thread(self._wait_or_kill, 2.0)

    def kill(self) -> None:
        """At once."""
        self._part()
        self._wait_or_kill(0.0)

    def on_message(self, body: bytes) -> None:
        reply = self._waiting.popleft()
        if reply.done():  # whoever asked has been cancelled
            return
        match ipc.decode_reply(body):
            case ipc.Done(value):
                reply.set_result(value)
            case ipc.Failed(error):
                reply.set_exception(WorkerRefused(error))

    def on_closed(self) -> None:
        self._wait_or_kill(LAST_BREATH)
        self._part()
        self._on_gone(self)

    def how_it_ended(self) -> str:
        """For the log."""
        code = self._process.returncode
        return f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"

    def _part(self) -> None:
        self.gone = True
        self._channel.close()
        self._fail_waiting()

    def _wait_or_kill(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _fail_waiting(self) -> None:
        while self._waiting:
            reply = self._waiting.popleft()
            if not reply.done():
                reply.set_exception(WorkerGone(f"worker {self.index} is gone"))


async def ask_all(
    workers: Sequence[Worker], message: ipc.Command
) -> tuple[list[tuple[Worker, int]], list[WorkerRefused]]:
    """Asks all at once. Returns who did it, with the value, and the refusals; those that ended are in neither."""
    data = ipc.encode(message)
    replies = await asyncio.gather(*(worker.ask_encoded(data) for worker in workers), return_exceptions=True)
    done = [
        (worker, reply) for worker, reply in zip(workers, replies, strict=True) if not isinstance(reply, BaseException)
    ]
    return done, [reply for reply in replies if isinstance(reply, WorkerRefused)]
