"""A whole data plane without sockets: its own classes, on an event loop whose connections go nowhere.

`Wire` is one client connection and the upstream connection its requests come to use. Bytes are handed to
both as an event loop would hand them over; what they write is counted and forgotten.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any

from proxy.downstream.dataplane import DataPlane
from proxy.downstream.settings import DataPlaneSettings
from proxy.observe.metrics import WorkerMetrics
from proxy.snapshot.delta import difference
from proxy.snapshot.route import BackendRef, Entry, Filter, HostBucket, RouteMatch, Rule
from proxy.snapshot.snapshot import Bind, Endpoint, Listener, Protocol, Snapshot, Upstream

PREFIXES = 20
"""Rules in the table; requests match the one whose prefix is /svc."""


class Transport(asyncio.Transport):
    """Counts what is written. Whoever closes it must have been told to (`closable`)."""

    def __init__(self, closable: bool = False) -> None:
        super().__init__(extra={"peername": ("192.0.2.7", 40_000)})
        self.octets = 0
        self.closed = not closable
        self.kept: list[bytes] | None = []
        """What is written, until it is set to None."""

    def write(self, data: Any) -> None:
        self.octets += len(data)
        if self.kept is not None:
            self.kept.append(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        for data in list_of_data:
            self.write(data)

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        assert not self.closed, "the connection was closed"
        self.closed = True

    abort = close

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def write_eof(self) -> None: ...

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None: ...


class WiredLoop(asyncio.SelectorEventLoop):
    """Servers and connections are made of Transports; everything else is a real event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.accept: Callable[[], asyncio.Protocol] | None = None
        """Makes what the data plane makes for an accepted connection."""
        self.dialed: list[asyncio.Protocol] = []
        self.transports: list[Transport] = []

    def __del__(self) -> None:
        """A wire lives as long as its benchmark; it is closed with it, and nobody need be warned."""
        self.close()

    async def create_server(self, protocol_factory: Any, *_: Any, **__: Any) -> Any:
        self.accept = protocol_factory
        return _Server()

    async def create_connection(self, protocol_factory: Any, *_: Any, **__: Any) -> Any:
        protocol, transport = protocol_factory(), Transport()
        protocol.connection_made(transport)
        self.dialed.append(protocol)
        self.transports.append(transport)
        return transport, protocol


class _Server:
    def close(self) -> None: ...


class Wire:
    """One client, and the endpoint that answers it."""

    def __init__(self, filters: tuple[Filter, ...] = (), protocol: Protocol = "http") -> None:
        self.loop = WiredLoop()
        self.plane = self.loop.run_until_complete(self._open(snapshot(filters, protocol)))
        assert self.loop.accept is not None
        self._client = self.loop.accept()
        self.transport = Transport()
        self._client.connection_made(self.transport)

    async def _open(self, first: Snapshot) -> DataPlane:
        plane = DataPlane(DataPlaneSettings(), WorkerMetrics.in_memory(), None)
        plane.commit(plane.prepare(difference(None, first)))
        # The loop does not turn between events: what it does at the end of a turn is done after each of them.
        self._batch = plane._plane.batch
        self._batch._call_soon = _never
        with socket.socket() as unused:
            await plane.open(first.binds[0], unused)
        return plane

    def settle(self) -> None:
        """Let the loop do what is ready: a connection being dialed is made."""
        for _ in range(3):
            self.loop.run_until_complete(asyncio.sleep(0))
        self._batch.flush()

    def first_exchange(self, request: Sequence[bytes], answer: Sequence[bytes]) -> bytes:
        """One request and its answer, after which nothing is kept any more. Returns what the client got."""
        for piece in request:
            self.from_client(piece)
        if answer:
            self.settle()
        for piece in answer:
            self.from_endpoint(piece)
        assert self.transport.kept is not None
        got, self.transport.kept = b"".join(self.transport.kept), None
        for dialed in self.loop.transports:
            dialed.kept = None
        return got

    def visit(self, request: bytes, answer: bytes) -> int:
        """A new client connection for one request, which the gateway closes after it. Returns what it got."""
        assert self.loop.accept is not None
        client, transport = self.loop.accept(), Transport(closable=True)
        transport.kept = None
        client.connection_made(transport)
        client.data_received(request)
        self._batch.flush()
        self.from_endpoint(answer)
        assert transport.closed, "the connection is still open"
        client.connection_lost(None)
        return transport.octets

    @property
    def from_client(self) -> Callable[[bytes], None]:
        """Takes what the client sends."""
        return self._turn(self._client.data_received)

    @property
    def from_endpoint(self) -> Callable[[bytes], None]:
        """Takes what the endpoint sends, on the one connection that was made to it."""
        (only,) = self.loop.dialed
        return self._turn(only.data_received)

    def _turn(self, receive: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """A turn of the event loop with one event: it is handled, and what was held back for its end is sent."""
        flush = self._batch.flush

        def turn(piece: bytes) -> None:
            receive(piece)
            flush()

        return turn


def _never(callback: Callable[[], None]) -> None:
    """In place of the event loop's call_soon."""


def snapshot(filters: tuple[Filter, ...], protocol: Protocol) -> Snapshot:
    """One listener with PREFIXES rules on one host, all to one endpoint."""
    backend = (BackendRef("bench/backend:8080", upstream="bench/backend:8080"),)
    paths = [b"/svc", *(b"/other-%02d" % i for i in range(PREFIXES - 1))]
    rules = tuple(Rule("bench/all", i, filters=filters, backends=backend) for i in range(PREFIXES))
    entries = tuple(Entry(RouteMatch(path), i, 0) for i, path in enumerate(paths))
    listener = Listener("bench/edge", "http", "HTTP", b"", 8080)
    host = b"bench.example.com"
    return Snapshot(
        generation=1,
        binds=(Bind("127.0.0.1", 8080, (listener.key,)),),
        listeners={listener.key: listener},
        buckets={(listener.key, host): HostBucket(host, rules, entries)},
        upstreams={backend[0].upstream: Upstream(backend[0].upstream, (Endpoint("127.0.0.1", 9),), protocol=protocol)},
    )
