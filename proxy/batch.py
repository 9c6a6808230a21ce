"""Small writes of one turn of the event loop, sent together at its end.

A write to a peer that sleeps has to wake it, on the same machine several µs each. While one event after
the other is read, handled and written, every write meets a peer that has gone back to sleep; sent in a row
they meet one that is awake. Measured with 64 clients on loopback, CPU per request: 39 µs at once, 29 batched.
"""

import asyncio
from collections.abc import Callable

DIRECT = 16 * 1024
"""Octets from which a write goes out at once, so that back-pressure is seen before more is read."""
_MOST = 256


class WriteBatch:
    """What is to be written to whom, in order. One per worker; `call_soon` is the event loop's."""

    __slots__ = ("_call_soon", "_callers", "_pending")

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._call_soon = call_soon
        self._pending: list[tuple[asyncio.Transport, bytes]] = []
        self._callers: list[Callable[[], None]] = []

    def later(self, callback: Callable[[], None]) -> None:
        """Have it called before what it writes is sent: for those who put together what has come for them in a turn."""
        if not self._pending and not self._callers:
            self._call_soon(self.flush)
        self._callers.append(callback)

    def add(self, transport: asyncio.Transport, data: bytes) -> None:
        pending = self._pending
        if len(data) >= DIRECT:
            # Nobody is called: who has put this together may be among those, and would write what comes behind it.
            self._send()
            transport.write(data)
            return
        if not pending and not self._callers:
            self._call_soon(self.flush)
        pending.append((transport, data))
        if len(pending) >= _MOST:
            self.flush()

    def flush(self) -> None:
        """Send everything now. What closed meanwhile is left out: its peer is gone."""
        while self._callers:
            callers, self._callers = self._callers, []
            for callback in callers:
                callback()
        self._send()

    def _send(self) -> None:
        pending = self._pending
        if pending:
            self._pending = []
            for transport, data in pending:
                if not transport.is_closing():
                    try:
                        transport.write(data)
                    except RuntimeError:
                        # Written after its end: that connection is lost, not what the others wait for.
                        transport.abort()
