"""One flow of UDP: a client's address, its endpoint, and a socket of its own towards that, which tells its answers."""

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from proxy.downstream.l4.datagrams import Address
from proxy.downstream.l4.record import L4Record
from proxy.upstream.direct import DirectEndpoint

if TYPE_CHECKING:
    from proxy.downstream.l4.flows import FlowTable

Key = tuple[Address, bytes]
"""A client's address, and which of ours it has written to."""
_HELD = 16
"""Datagrams of a flow that wait for its socket; more are lost, as datagrams may be."""


class Flow(asyncio.DatagramProtocol):
    """One client address and its endpoint."""

    __slots__ = ("_held", "_table", "answered", "endpoint", "key", "last", "proven", "record", "transport",
                 "unanswered")  # fmt: skip

    def __init__(self, table: "FlowTable", key: Key, endpoint: DirectEndpoint, record: L4Record) -> None:
        self._table = table
        self.key = key
        self.endpoint = endpoint
        self.record = record
        self._held: list[bytes] = []
        self.transport: asyncio.DatagramTransport | None = None
        self.answered = False
        self.proven = False
        """The client has written again after an answer, so it is where it says."""
        self.last = 0.0
        """When a datagram passed, either way."""
        self.unanswered = 0
        """Datagrams of the client's for which none has come back, one for one."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        held, self._held = self._held, []
        for data in held:
            self._write(data)

    def send(self, data: bytes) -> None:
        """To the endpoint."""
        self.unanswered += 1
        self.record.bytes_in += len(data)
        if self.transport is not None:
            self._write(data)
        elif len(self._held) < _HELD:
            self._held.append(data)

    def _write(self, data: bytes) -> None:
        assert self.transport is not None
        if data:
            self.transport.sendto(data)
            return
        # Event loops take an empty datagram for nothing to send. It may be all that a client says (RFC 867).
        with suppress(OSError):  # what is wrong there will be heard of
            os.write(self.transport.get_extra_info("socket").fileno(), data)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.record.bytes_out += len(data)
        if self.unanswered:
            self.unanswered -= 1
        self._table.answer(self, data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there, or no way leads there: the next datagram may go to another endpoint."""
        self.endpoint.refused("connection_refused" if isinstance(exc, ConnectionRefusedError) else "unreachable")
        self._table.end(self, "upstream_refused")

    def close(self, result: str) -> None:
        self.record.end(result, "DR" if result == "drained" else "")
        self.endpoint.left()
        if self.transport is not None:
            self.transport.close()
