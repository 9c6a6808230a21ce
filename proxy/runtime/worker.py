"""A worker: one process, one event loop, one data plane that does as control says.

Started as `python -m proxy.runtime.worker INDEX FD`, FD being its end of the pair. Signals mean
nothing to it: control decides. When control is gone it stops accepting, lets open exchanges end,
and ends.
"""

import asyncio
import gc
import logging
import os
import socket
import sys

from proxy.downstream.dataplane import DataPlane, Prepared
from proxy.observe.access_log import AccessLogWriter
from proxy.observe.log import configure_logging
from proxy.observe.metrics import Detail, WorkerMetrics
from proxy.runtime import ipc
from proxy.runtime.process import ignore_signals, loop_factory, name_process
from proxy.snapshot.delta import decode_delta

log = logging.getLogger("penstock.worker")

ORPHANED_TIMEOUT = 30.0
"""Seconds that exchanges have to end when control has gone without a word."""
LAST_WORDS = 1.0
"""Seconds in which clients may take what they are told at the end of the time to drain."""
POLL = 0.01
POLITE = 0.0005
"""Seconds after which preparing lets waiting requests have the interpreter."""


class Worker:
    """Takes commands in order, one at a time, and answers each."""

    def __init__(self, sock: socket.socket) -> None:
        self._commands: asyncio.Queue[ipc.Command | None] = asyncio.Queue()
        self._channel = ipc.Channel(sock, self)
        self._plane: DataPlane
        self._metrics: WorkerMetrics
        self._access_log: AccessLogWriter | None = None
        self._prepared: Prepared | None = None
        self._finished = False

    def on_message(self, body: bytes) -> None:
        self._commands.put_nowait(ipc.decode_command(body))

    def on_closed(self) -> None:
        self._commands.put_nowait(None)

    async def run(self) -> None:
        """Until control closes the channel."""
        while (command := await self._commands.get()) is not None:
            try:
                reply: ipc.Reply = ipc.Done(await self._obey(command))
            except Exception as error:
                log.debug("%s failed", type(command).__name__, exc_info=True)
                reply = ipc.Failed(f"{type(error).__name__}: {error}")
            self._channel.send(ipc.encode(reply))
        await self._end()

    async def _obey(self, command: ipc.Command) -> int:
        match command:
            case ipc.Start():
                self._start(command)
            case ipc.Prepare(delta, detail):
                self._prepared = await asyncio.to_thread(self._prepare, delta, detail)
            case ipc.Commit():
                return self._commit()
            case ipc.Abandon():
                self._prepared = None
            case ipc.Open(bind):
                await self._plane.open(bind, socket.socket(fileno=self._channel.take_descriptor()))
            case ipc.CloseBind(bind):
                await self._plane.close_bind(bind)
            case ipc.Resolve(news):
                self._plane.resolve(news)
            case ipc.BeginDrain():
                self._plane.begin_drain()
            case ipc.CloseListeners():
                await self._plane.close_listeners()
            case ipc.Finish(timeout, idle_grace):
                return await self._finish(timeout, idle_grace)
            case ipc.ReopenLog():
                self._reopen_log(self._channel.take_descriptor())
        return 0

    def _start(self, start: ipc.Start) -> None:
        configure_logging(start.log_level)
        values, register = self._channel.take_descriptor(), self._channel.take_descriptor()
        self._metrics = WorkerMetrics.attach(values, register)
        os.close(values)
        os.close(register)
        if start.access_log:
            descriptor = self._channel.take_descriptor()
            self._access_log = AccessLogWriter(descriptor, start.access_log_format, self._metrics)
        self._plane = DataPlane(start.settings, self._metrics, self._access_log)

    def _prepare(self, delta: bytes, detail: Detail) -> Prepared:
        """In a thread, so that requests are answered meanwhile: large tables take seconds.

        It builds what nobody uses yet. What it shares with requests is only looked up, or, the register of
        series, locked; and no other command runs before it is done.
        """
        usual = sys.getswitchinterval()
        sys.setswitchinterval(POLITE)
        gc.disable()  # nothing of this is garbage, and to look for some would stop everything
        try:
            self._metrics.detail = detail
            return self._plane.prepare(decode_delta(delta))
        finally:
            gc.enable()
            sys.setswitchinterval(usual)

    def _commit(self) -> int:
        if self._prepared is None:
            raise RuntimeError("nothing was prepared")
        self._plane.commit(self._prepared)
        self._prepared = None
        gc.freeze()  # a configuration lives long: the collector need not walk it again and again
        return self._plane.generation

    def _reopen_log(self, descriptor: int) -> None:
        if self._access_log is None:
            os.close(descriptor)
        else:
            self._access_log.reopen(descriptor)

    async def _finish(self, patience: float, idle_grace: float) -> int:
        """Connections are over then. Flows are still served for as long as control waits for other workers."""
        now = asyncio.get_running_loop().time
        idle_at, deadline = now() + idle_grace, now() + patience
        while (self._plane.connections or self._plane.flows_under_way) and now() < deadline:
            if now() >= idle_at:
                self._plane.close_idle(idle_grace)
            await asyncio.sleep(POLL)
        left = self._plane.connections + self._plane.flows_under_way
        self._plane.cut_all()
        deadline = now() + LAST_WORDS
        while self._plane.connections and now() < deadline:  # noqa: ASYNC110 - they end by themselves
            await asyncio.sleep(POLL)
        self._plane.abort_connections()
        self._finished = True
        return left

    async def _end(self) -> None:
        if hasattr(self, "_plane"):
            self._plane.begin_drain()
            await self._plane.close_listeners()
            if not self._finished:
                await self._finish(ORPHANED_TIMEOUT, idle_grace=0.0)
            self._plane.abort_all()
        if self._access_log is not None:
            self._access_log.close()


async def _serve(sock: socket.socket) -> None:
    await Worker(sock).run()


def main(argv: list[str]) -> None:
    """argv: the worker's index and its end of the pair."""
    ignore_signals()
    index, descriptor = argv
    name_process(f"penstock-{index}")
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(socket.socket(fileno=int(descriptor))))


if __name__ == "__main__":
    main(sys.argv[1:])
