"""The data plane of one worker: a snapshot prepared, swapped in one step, and the ports that serve it.

prepare(delta)  builds the tables of what changed; may fail, then nothing has changed
commit(...)     points the ports at them: one attribute store per port
open(...)       accepts on a socket; begin_drain, close_listeners, close_idle, cut_all and abort_all end it
"""

import asyncio
import socket
import time
from collections.abc import Iterable, Mapping

from proxy.batch import WriteBatch
from proxy.downstream.l4.udp import UdpPort
from proxy.downstream.listeners import BoundPort
from proxy.downstream.settings import DataPlaneSettings
from proxy.downstream.tls.contexts import Contexts
from proxy.forward.l4 import L4Table, l4_table
from proxy.forward.live import LiveListener, LiveRule
from proxy.forward.origin import Port
from proxy.forward.plane import Plane, Timeouts
from proxy.observe.access_log import AccessLogWriter
from proxy.observe.metrics import WorkerMetrics
from proxy.protocol.forwarding import ForwardingRules
from proxy.protocol.limits import Limits
from proxy.routing.listeners import PortTable
from proxy.routing.table import HostTable, ListenerTable
from proxy.snapshot.delta import apply
from proxy.snapshot.names import Resolved
from proxy.snapshot.route import HostBucket, Rule
from proxy.snapshot.snapshot import Bind, Delta, Listener, Snapshot, Transport
from proxy.upstream.contexts import Secured, SecuredKey
from proxy.upstream.pools import Registry, certificates_shown
from proxy.upstream.settings import PoolSettings
from proxy.wheel import Wheel

Socket = tuple[str, int, Transport]
"""Address, bound port, TCP or UDP."""
Tables = dict[tuple[str, bytes], HostTable[LiveRule]]


class Prepared:
    """A delta made ready: everything that could fail has been done."""

    __slots__ = ("delta", "listeners", "ports", "secured", "snapshot", "tables")

    def __init__(self, delta: Delta, snapshot: Snapshot, tables: Tables) -> None:
        self.delta = delta
        self.snapshot = snapshot
        self.tables = tables
        self.listeners: dict[str, LiveListener] = {}
        self.ports: dict[Socket, PortTable[LiveListener]] = {}
        self.secured: Mapping[SecuredKey, Secured] = {}


class DataPlane:
    """Everything one worker needs to serve."""

    def __init__(
        self,
        settings: DataPlaneSettings,
        metrics: WorkerMetrics,
        access_log: AccessLogWriter | None,
        limits: Limits | None = None,
    ) -> None:
        """Needs a running event loop."""
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._settings = settings
        self._metrics = metrics
        self._limits = limits or Limits()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._wheel = Wheel(time.monotonic, self._wake)
        timeouts = Timeouts(
            response_head=settings.response_head_timeout,
            idle=settings.exchange_idle_timeout,
            tunnel=settings.tunnel_timeout,
            answer=settings.answer_timeout,
            filter=settings.filter_timeout,
        )
        forwarding = ForwardingRules(settings.trusted_proxies, settings.via_id)
        batch = WriteBatch(loop.call_soon)
        self._plane = Plane(loop, self._wheel, forwarding, metrics, access_log, timeouts, batch)
        pools = PoolSettings(
            self._limits,
            connect_timeout=settings.connect_timeout,
            idle_timeout=settings.upstream_idle_timeout,
            max_connections=settings.max_upstream_connections,
            max_waiting=settings.max_upstream_waiting,
        )
        self._registry = Registry(loop, self._wheel, batch, metrics, pools)
        self._contexts = Contexts(time.monotonic)
        self._snapshot: Snapshot | None = None
        self._tables: Tables = {}
        self._listeners: dict[str, LiveListener] = {}
        self._ports: dict[Socket, BoundPort | UdpPort] = {}
        self._leaving: list[BoundPort] = []
        self._draining = False

    @property
    def generation(self) -> int:
        """Of the snapshot that requests are routed by; 0 before the first."""
        return self._plane.generation

    @property
    def snapshot(self) -> Snapshot | None:
        return self._snapshot

    @property
    def connections(self) -> int:
        """Open client connections."""
        return sum(len(port.connections) for port in self._tcp_ports())

    @property
    def flows_under_way(self) -> int:
        """Flows of UDP that are worth waiting for."""
        return sum(port.under_way for port in self._udp_ports())

    def _tcp_ports(self) -> list[BoundPort]:
        return [port for port in (*self._ports.values(), *self._leaving) if isinstance(port, BoundPort)]

    def _udp_ports(self) -> list[UdpPort]:
        return [port for port in self._ports.values() if isinstance(port, UdpPort)]

    # --- configuration -----------------------------------------------------------------------

    def prepare(self, delta: Delta) -> Prepared:
        """Build what the delta changes. Raises ValueError when it does not follow what is installed."""
        snapshot = apply(self._snapshot, delta)
        tables: Tables = {} if not delta.base else dict(self._tables)
        for key in delta.dropped_buckets:
            tables.pop(key, None)
        compiling = set(delta.buckets) | self._shown_anew(snapshot)
        for key in compiling:
            tables[key] = self._compile(snapshot.buckets[key], snapshot.listeners[key[0]])
        prepared = Prepared(delta, snapshot, tables)
        touched = {key[0] for key in (*compiling, *delta.dropped_buckets)}
        by_listener: dict[str, dict[bytes, HostTable[LiveRule]]] = {}
        for (name, hostname), table in tables.items():
            by_listener.setdefault(name, {})[hostname] = table
        for name, spec in snapshot.listeners.items():
            old = self._listeners.get(name)
            unchanged = (
                self._snapshot is not None
                and self._snapshot.listeners.get(name) == spec
                and self._snapshot.l4.get(name) == snapshot.l4.get(name)
            )
            if old is not None and unchanged and name not in touched and delta.base:
                prepared.listeners[name] = old
            else:
                routes = ListenerTable(by_listener.get(name, {}))
                prepared.listeners[name] = LiveListener(spec, routes, self._metrics, self._l4(snapshot, spec))
        for bind in snapshot.binds:
            rows = [(snapshot.listeners[name].hostname, prepared.listeners[name]) for name in bind.listeners]
            prepared.ports[bind.socket] = PortTable(rows)
        prepared.secured = self._registry.secure(snapshot)  # of all upstreams that tables and listeners asked for
        return prepared

    def _l4(self, snapshot: Snapshot, listener: Listener) -> L4Table | None:
        if listener.protocol in ("HTTP", "HTTPS"):
            return None
        specs = snapshot.l4.get(listener.key, ())
        return l4_table(specs, listener, self._metrics, self._registry.upstream, self._registry.turns)

    def _shown_anew(self, snapshot: Snapshot) -> set[tuple[str, bytes]]:
        """Buckets of listeners that show endpoints another certificate than before: their rules lead elsewhere."""
        before = self._snapshot.listeners if self._snapshot is not None else {}
        changed = {
            name
            for name, spec in snapshot.listeners.items()
            if name in before and before[name].client_certificate != spec.client_certificate
        }
        return {key for key in snapshot.buckets if key[0] in changed} if changed else set()

    def _compile(self, bucket: HostBucket, listener: Listener) -> HostTable[LiveRule]:
        registry = self._registry

        def bind(rule: Rule) -> LiveRule:
            return LiveRule(rule, listener, self._metrics, registry.upstream, registry.turns)

        return HostTable.compile(bucket, bind)

    def commit(self, prepared: Prepared) -> None:
        """From here on every request is routed by the new snapshot; those under way end by the old."""
        delta = prepared.delta
        shown = certificates_shown(prepared.snapshot)
        self._registry.install(delta.upstreams, delta.dropped_upstreams, prepared.secured, shown)
        self._contexts.install(prepared.snapshot.certificates, prepared.snapshot.bundles)
        for bind in prepared.snapshot.binds:
            port = self._ports.get(bind.socket)
            if isinstance(port, UdpPort):
                port.port.table = prepared.ports[bind.socket]
            elif port is not None:
                port.secure_by(self._contexts if prepared.snapshot.is_secure(bind) else None)
                port.ask_for_headers(bind.proxy_headers)
                port.turn_to(prepared.ports[bind.socket])
        self._snapshot = prepared.snapshot
        self._tables = prepared.tables
        self._listeners = prepared.listeners
        self._plane.generation = prepared.snapshot.generation

    def resolve(self, news: Iterable[Resolved]) -> None:
        """DNS names of upstreams lead where they say from now on."""
        self._registry.resolve(news)

    # --- sockets -----------------------------------------------------------------------------

    async def open(self, bind: Bind, sock: socket.socket) -> None:
        """Accept on a bound, listening socket. A bind may have several (IPv4 and IPv6)."""
        key = bind.socket
        port = self._ports.get(key)
        if port is None:
            rows = [(self._listener(name).hostname, self._listeners[name]) for name in bind.listeners]
            declared = self._listener(bind.listeners[0]).port
            shared = Port(declared, PortTable(rows))
            port = self._ports[key] = self._new_port(bind, shared)
        await port.serve(sock)

    def _new_port(self, bind: Bind, shared: Port) -> BoundPort | UdpPort:
        if bind.transport == "UDP":
            return UdpPort(bind, shared, self._plane, self._wheel, self._settings)
        port = BoundPort(bind, shared, self._plane, self._wheel, self._limits, self._settings)
        port.draining = self._draining
        port.secure_by(self._contexts if self._snapshot is not None and self._snapshot.is_secure(bind) else None)
        port.ask_for_headers(bind.proxy_headers)
        return port

    def _listener(self, name: str) -> Listener:
        assert self._snapshot is not None
        return self._snapshot.listeners[name]

    async def close_bind(self, bind: Bind) -> None:
        """Stop one port whose accept queues are empty; its connections end with their next answer."""
        port = self._ports.pop(bind.socket, None)
        if isinstance(port, UdpPort):
            port.close()
        elif port is not None:
            port.begin_drain()
            port.stop_accepting()
            port.close_idle()
            self._leaving = [old for old in self._leaving if old.connections]
            self._leaving.append(port)

    def begin_drain(self) -> None:
        self._draining = True
        for port in self._tcp_ports():
            port.begin_drain()

    async def close_listeners(self) -> None:
        """Stop accepting on every port. What the kernel has handed over is served, and flows go on."""
        for port in (*self._ports.values(), *self._leaving):
            port.stop_accepting()

    def close_idle(self, grace: float = 0.0) -> None:
        """Close the connections that carry no request, and have not for `grace` seconds."""
        for port in self._tcp_ports():
            port.close_idle(grace)

    def cut_all(self) -> None:
        """The time to drain is over: requests without an answer are told so, answers under way are cut."""
        for port in self._tcp_ports():
            port.cut()

    def abort_connections(self) -> None:
        """Whatever is still connected goes."""
        for port in self._tcp_ports():
            port.abort()

    def abort_all(self) -> None:
        """At the end: whatever is still open goes, flows too."""
        self.abort_connections()
        for port in self._udp_ports():
            port.close()
        self._registry.close()

    # --- time --------------------------------------------------------------------------------

    def _wake(self, at: float) -> None:
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_later(max(0.0, at - time.monotonic()), self._advance)

    def _advance(self) -> None:
        self._timer = None
        self._wheel.advance()
