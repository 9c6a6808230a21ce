"""A data plane in this process, on a free port, with the snapshot a test asks for."""

import asyncio
import socket
from typing import Self

from msgspec.structs import replace

from proxy.downstream.dataplane import DataPlane
from proxy.downstream.settings import DataPlaneSettings
from proxy.observe.access_log import AccessRecord
from proxy.observe.metrics import WorkerMetrics
from proxy.protocol.limits import Limits
from proxy.snapshot.delta import difference
from proxy.snapshot.route import BackendRef, Entry, Filter, HostBucket, Retry, RouteMatch, Rule, Timeouts
from proxy.snapshot.session import Session
from proxy.snapshot.snapshot import Bind, Endpoint, Listener, Snapshot, Upstream
from tests.e2e.peers import Peer, connect
from tests.patience import eventually

LISTENER = "default/gateway/http"


def to(
    *ports: int, weight: int = 1, host: str = "127.0.0.1", filters: tuple[Filter, ...] = ()
) -> tuple[BackendRef, Upstream]:
    """A weighted backend with an endpoint on each port."""
    key = "default/" + "-".join(map(str, ports)) + ":80"
    upstream = Upstream(key, tuple(Endpoint(host, port) for port in ports))
    return BackendRef(key, weight, key, filters=filters), upstream


def rule(
    *backends: tuple[BackendRef, Upstream],
    path: bytes = b"/",
    filters: tuple[Filter, ...] = (),
    timeouts: Timeouts | None = None,
    retry: Retry | None = None,
    session: Session | None = None,
) -> tuple[RouteMatch, Rule, tuple[Upstream, ...]]:
    refs = tuple(ref for ref, _ in backends)
    return (
        RouteMatch(path),
        Rule("default/route", 0, filters=filters, backends=refs, timeouts=timeouts, retry=retry, session=session),
        tuple(upstream for _, upstream in backends),
    )


class Log:
    """An access log that is a list."""

    def __init__(self) -> None:
        self.records: list[AccessRecord] = []

    def write(self, record: AccessRecord) -> None:
        self.records.append(record)


class Gateway:
    """`async with Gateway(rule(to(port))) as gateway:` listens on `gateway.port`."""

    def __init__(
        self,
        *rules: tuple[RouteMatch, Rule, tuple[Upstream, ...]],
        settings: DataPlaneSettings | None = None,
        limits: Limits | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self._rules = rules
        self._settings = settings or DataPlaneSettings()
        self._limits = limits
        self._host = host
        self._clients: list[Peer] = []
        self.metrics = WorkerMetrics.in_memory()
        self.log = Log()
        self.port = 0

    async def __aenter__(self) -> Self:
        self.plane = DataPlane(self._settings, self.metrics, self.log, self._limits)  # type: ignore[arg-type]
        self.install(*self._rules)
        sock = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET)
        sock.bind((self._host, 0))
        sock.listen(1024)
        sock.setblocking(False)
        self.port = sock.getsockname()[1]
        await self.plane.open(self._bind(), sock)
        return self

    def _bind(self) -> Bind:
        return Bind(self._host, 80, (LISTENER,))

    def install(self, *rules: tuple[RouteMatch, Rule, tuple[Upstream, ...]]) -> None:
        """Swap to a snapshot with these rules."""
        snapshot = self._snapshot(*rules)
        self.plane.commit(self.plane.prepare(difference(self.plane.snapshot, snapshot)))

    def _snapshot(self, *rules: tuple[RouteMatch, Rule, tuple[Upstream, ...]]) -> Snapshot:
        numbered = tuple(replace(spec, index=i) for i, (_, spec, _) in enumerate(rules))
        entries = tuple(Entry(match, i, 0) for i, (match, _, _) in enumerate(rules))
        return Snapshot(
            generation=self.plane.generation + 1,
            binds=(self._bind(),),
            listeners={LISTENER: Listener("default/gateway", "http", "HTTP", b"", 80)},
            buckets={(LISTENER, b""): HostBucket(b"", numbered, entries)},
            upstreams={upstream.key: upstream for _, _, upstreams in rules for upstream in upstreams},
        )

    async def client(self, *, receive_buffer: int = 0) -> Peer:
        peer = await connect(self.port, self._host, receive_buffer=receive_buffer)
        self._clients.append(peer)
        return peer

    async def __aexit__(self, *exc: object) -> None:
        for client in self._clients:
            client.close()
        await self.plane.close_listeners()
        self.plane.abort_all()
        await eventually(lambda: not self.plane.connections)
        await asyncio.sleep(0)
