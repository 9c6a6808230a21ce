"""Any order of events: exchanges over the real codecs and pools, without a socket, driven by a seeded die.

Whatever client, endpoints, a mirror, an authorization server and the clock do, every exchange ends once, every
connection is given back once, nothing is written after an end (the wires assert it), no client gets another request's
answer, and no backend a request that was not allowed.
"""

import asyncio
import re
from random import Random

import pytest
from msgspec.structs import replace

from proxy.batch import WriteBatch
from proxy.errors import ProxyError, RequestTimeout
from proxy.forward.exchange import Exchange
from proxy.forward.finish import finish_refused
from proxy.forward.live import LiveListener, LiveRule
from proxy.forward.mirror import Mirror
from proxy.forward.origin import Origin, Port
from proxy.forward.plane import Plane, Timeouts
from proxy.forward.reply import error_reply, send_reply
from proxy.observe.metrics import WorkerMetrics
from proxy.protocol.forwarding import ForwardingRules
from proxy.protocol.http1.server import ServerCodec
from proxy.protocol.limits import Limits
from proxy.protocol.message import Request
from proxy.protocol.stream import DownstreamStream, RequestSink
from proxy.routing.listeners import PortTable
from proxy.routing.table import HostTable, ListenerTable
from proxy.snapshot import route
from proxy.snapshot.snapshot import Listener
from proxy.upstream.pool import Pool
from proxy.upstream.pools import LiveUpstream
from proxy.upstream.settings import PoolSettings
from tests.clock import ManualTime
from tests.e2e.gateway import Log
from tests.oracle.grammar import Request as RequestMessage
from tests.oracle.grammar import Response, read_requests, read_response
from tests.playbook import Wire
from tests.upstream.memory_loop import Dial, MemoryLoop, Transport

STEPS = 150
SEEDS = 12
LISTENER = Listener("default/gateway", "http", "HTTP", b"", 80)
RULE = route.Rule(
    "default/route",
    0,
    filters=(route.Mirror("mirror", "mirror", 1, 2),),
    backends=(route.BackendRef("app", 1, "app"),),
    timeouts=route.Timeouts(request=20.0, backend_request=3.0),
    retry=route.Retry((503,), 2, 0.05),
)
AUTHORIZED = {
    "not asked about": RULE,
    "asked about": replace(RULE, filters=(route.ExternalAuth("auth", "auth"), *RULE.filters)),
    "asked about with the body": replace(
        RULE, filters=(*RULE.filters, route.ExternalAuth("auth", "auth", body_at_most=5))
    ),
}
HOSTS = ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
"""Two endpoints of the backend, one of the mirror, one authorization server."""
REQUESTS = (
    b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HEAD %b HTTP/1.1\r\nHost: a\r\n\r\n",
    b"DELETE %b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    b"PUT %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nx-sum: 1\r\n\r\n",
    b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n",
)
ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: %(length)d\r\n\r\n%(body)b",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%(length)x\r\n%(body)b\r\n0\r\nx-end: 1\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: %(length)d\r\n\r\n%(body)b",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\n\r\n",
    b"HTTP/1.1 503 X\r\nContent-Length: 2\r\n\r\nno",
    b"HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n",
    b"SSH-2.0\r\n\r\n",
)


_PATHS = re.compile(rb"(?:GET|HEAD|DELETE|POST|PUT) (/[0-9]+) HTTP/1\.1\r\n")


class Client:
    """One connection of a client, and what it has asked."""

    def __init__(self, world: "World") -> None:
        self.wire = Wire()
        self.codec = ServerCodec(self.wire, world._start, world._refuse, Limits())
        self.asked: list[tuple[bytes, bytes]] = []
        self.unsent = b""
        self.finished = False
        self.sound: int | None = None
        """Octets that answer requests; behind them stands the refusal of what was none."""

    @property
    def is_there(self) -> bool:
        return not {"closed", "aborted"} & set(self.wire.signals)


class World:
    """One client after the other, two endpoints of one backend, one mirror, one authorization server, and time."""

    def __init__(self, seed: int, rule: route.Rule) -> None:
        self.random = Random(seed)
        self.rule = rule
        self.loop, self.time, self.metrics, self.log = MemoryLoop(), ManualTime(), WorkerMetrics.in_memory(), Log()
        self.batch = WriteBatch(asyncio.get_running_loop().call_soon)
        limits = Limits()
        settings = PoolSettings(limits, max_connections=2, max_waiting=1)
        self.upstreams = {key: LiveUpstream(key, self.metrics) for key in ("app", "mirror", "auth")}
        self.pools = [self._pool(host, settings) for host in HOSTS]
        self.upstreams["app"].pools = (self.pools[0], self.pools[1])
        self.upstreams["mirror"].pools = (self.pools[2],)
        self.upstreams["auth"].pools = (self.pools[3],)
        self.plane = Plane(
            asyncio.get_running_loop(), self.time.wheel, ForwardingRules((), b"penstock"), self.metrics,
            self.log, Timeouts(response_head=6.0, idle=9.0), self.batch,  # type: ignore[arg-type]
        )  # fmt: skip
        self.origin = self._origin()
        self.exchanges: list[Exchange] = []
        self.refused = 0
        self.sound: int | None = None
        """Octets that answer requests; behind them stands the refusal of what was none."""
        self.clients: list[Client] = []
        self.client = self.stranger()
        self.coming: dict[Transport, bytes] = {}
        """Of answers that have begun: what is still to come."""
        self.answered: dict[Transport, int] = {}
        self.seen: set[Transport] = set()
        """Connections to endpoints."""
        self.allowed: set[bytes] = set()
        """Paths to which the authorization server has said yes, or begun to."""
        self.reached: set[bytes] = set()
        """Paths that the backend or the mirror has seen."""

    def _pool(self, host: str, settings: PoolSettings) -> Pool:
        return Pool(
            self.loop, self.time.wheel, self.batch, (host, 80), settings,
            self.metrics, host, lambda reason: None,  # type: ignore[arg-type]
        )  # fmt: skip

    def _origin(self) -> Origin:
        def bind(spec: route.Rule) -> LiveRule:
            return LiveRule(spec, LISTENER, self.metrics, lambda key, _: self.upstreams[key], lambda key, weights: None)  # type: ignore[arg-type,return-value]

        bucket = route.HostBucket(b"", (self.rule,), (route.Entry(route.RouteMatch(b"/"), 0, 0),))
        self.table = HostTable.compile(bucket, bind)
        listener = LiveListener(LISTENER, ListenerTable({b"": self.table}), self.metrics)
        client = self.plane.forwarding.client("192.0.2.9", "http", 80)
        return Origin(self.plane, Port(80, PortTable([(b"", listener)])), client)

    def _start(self, stream: DownstreamStream, request: Request, end: bool) -> RequestSink:
        self.exchanges.append(Exchange(self.origin, stream, request))
        self.exchanges[-1].begin(end)
        return self.exchanges[-1]

    def _refuse(self, stream: DownstreamStream, error: ProxyError) -> None:
        self.refused += 1
        self.client.codec.flush()
        self.client.sound = len(self.client.wire.written)
        finish_refused(self.origin, error, error.status, send_reply(stream, error_reply(error), b"", []))

    # --- what can happen ---------------------------------------------------------------------

    def stranger(self) -> Client:
        self.clients.append(Client(self))
        return self.clients[-1]

    @property
    def mirrors(self) -> list[Mirror]:
        return [mirror for exchange in self.exchanges for mirror in exchange._mirrors]

    @property
    def open(self) -> list[Transport]:
        made = [dial.connection.transport for dial in self.loop.dials if dial.connection is not None]
        found = [each for each in made if isinstance(each, Transport)]
        self.seen |= set(found)
        for each in found:
            if each._protocol.pool is not self.pools[3]:
                self.reached |= set(_PATHS.findall(each.written))
        return [each for each in found if not each.is_closing()]

    def client_sends(self) -> None:
        client = self.client
        if not client.unsent and not client.finished:
            path = b"/%d" % sum(len(each.asked) for each in self.clients)
            shape = self.random.choice(REQUESTS)
            client.asked.append((shape.partition(b" ")[0], path))
            client.unsent = shape % path
        size = self.random.choice((1, client.unsent.find(b"\r\n\r\n") + 4, 1000))
        piece, client.unsent = client.unsent[:size], client.unsent[size:]
        if piece:
            client.codec.feed(piece)

    def client_stops_reading(self) -> None:
        self.client.codec.blocked()

    def client_reads(self) -> None:
        self.client.codec.writable()

    def client_is_late(self) -> None:
        self.client.codec.timed_out(RequestTimeout("request_body_timeout", "late"))

    def client_half_closes(self) -> None:
        self.client.codec.eof()
        self.client.unsent, self.client.finished = b"", True

    def client_goes(self) -> None:
        self.client.wire.signals.append("aborted")

    def dial_ends(self) -> None:
        waiting: list[Dial] = [dial for dial in self.loop.dials if not dial._outcome.done()]
        if waiting and self.random.random() < 0.8:
            waiting[0].succeeds()
        elif waiting:
            waiting[0].fails(ConnectionRefusedError())

    def endpoint_answers(self) -> None:
        """Whole or in pieces; to a whole request, or before all of it has come."""
        for transport in self.random.sample(self.open, len(self.open)):
            if transport in self.coming:
                size = self.random.choice((1, 10, 1000))
                piece, rest = self.coming[transport][:size], self.coming.pop(transport)[size:]
                if rest:
                    self.coming[transport] = rest
                transport._protocol.data_received(piece)
                return
            paths = _PATHS.findall(transport.written)
            if len(paths) > self.answered.get(transport, 0):
                self.answered[transport] = len(paths)
                body = b"<%b>" % paths[-1]
                head = transport.written.rpartition(paths[-1])[0].endswith(b"HEAD ")
                answer = self.random.choice(ANSWERS) % {b"length": len(body), b"body": body}
                self.coming[transport] = answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if head else answer
                if transport._protocol.pool is self.pools[3] and b" 200 OK" in answer:
                    self.allowed.add(paths[-1])
                return

    def endpoint_closes(self) -> None:
        if self.open:
            transport = self.random.choice(self.open)
            self.coming.pop(transport, None)
            if not transport._protocol.eof_received():
                transport.close()

    def endpoint_resets(self) -> None:
        if self.open:
            transport = self.random.choice(self.open)
            self.coming.pop(transport, None)
            transport._closing = True
            transport._protocol.connection_lost(ConnectionResetError())

    def endpoint_reads_slowly(self) -> None:
        if self.open:
            self.random.choice(self.open)._protocol.pause_writing()

    def endpoint_reads_on(self) -> None:
        if self.open:
            self.random.choice(self.open)._protocol.resume_writing()

    def time_passes(self) -> None:
        self.time.pass_(self.random.choice((0.03, 0.2, 1.0, 4.0)))

    # --- a run -------------------------------------------------------------------------------

    async def run(self) -> None:
        often = [
            self.client_sends,
            self.dial_ends,
            self.dial_ends,
            self.endpoint_answers,
            self.endpoint_answers,
        ] * 4 + [self.time_passes] * 2
        seldom = [self.client_stops_reading, self.client_reads, self.endpoint_closes, self.endpoint_resets,
                  self.endpoint_reads_slowly, self.endpoint_reads_on]  # fmt: skip
        last = [self.client_is_late, self.client_half_closes, self.client_goes]
        for _ in range(STEPS):
            kind = self.random.choices((often, seldom, last), (40, 6, 1))[0]
            self.random.choice(kind)()
            if not self.client.is_there:
                self.client.codec.lost("client_reset")
                self.client = self.stranger()
            for _ in range(self.random.choice((0, 1, 4))):
                await asyncio.sleep(0)

    async def end(self) -> None:
        """Everybody goes."""
        self.client.codec.lost("client_closed")
        assert all(exchange.ended for exchange in self.exchanges)
        assert all(mirror.over or mirror._request_done for mirror in self.mirrors), "a copy of half a request"
        await self.settled()
        self.time.pass_(100.0)
        await self.settled()
        for transport in self.open:
            transport.close()
        await self.settled()

    async def settled(self) -> None:
        for _ in range(12):
            await asyncio.sleep(0)


@pytest.mark.parametrize("block", range(8))
@pytest.mark.parametrize("rule", AUTHORIZED)
async def test_every_exchange_ends_once_and_gives_back_what_it_had(block: int, rule: str) -> None:
    for seed in range(block * SEEDS, (block + 1) * SEEDS):
        world = World(seed, AUTHORIZED[rule])
        await world.run()
        await world.end()
        assert all(exchange.ended and exchange._connection is None for exchange in world.exchanges), seed
        assert len(world.log.records) == len(world.exchanges) + world.refused, seed
        assert [(pool.active, pool.connections, pool.idle) for pool in world.pools] == [(0, 0, 0)] * 4, seed
        for pool, host in zip(world.pools, HOSTS, strict=True):
            assert not pool._waiting and not pool._dialing, seed
            for state in ("idle", "active"):
                assert world.metrics.value("penstock_upstream_connections", (host, state)) == 0, (seed, host, state)
        results = ("answered", "failed", "dropped", "aborted")
        counted = sum(world.metrics.value("penstock_mirror_requests_total", ("mirror", each)) for each in results)
        assert all(mirror.over for mirror in world.mirrors) and counted == len(world.mirrors), seed
        if AUTHORIZED[rule] is not RULE:
            assert world.reached <= world.allowed, seed
        assert all(exchange._wait is None for exchange in world.exchanges), seed
        _requests_are_sound(world, seed)
        for client in world.clients:
            _answers_are_whose_they_are(client, seed)


def _requests_are_sound(world: World, seed: int) -> None:
    """Each endpoint got requests that were made, one after the other, and only the last may be cut short."""
    made = {path for client in world.clients for _, path in client.asked}
    for transport in world.seen:
        octets = transport.written
        stream = read_requests(octets)
        assert stream.refusal is None, (seed, stream.refusal, octets)
        assert {each.path for each in stream.messages if isinstance(each, RequestMessage)} <= made, (seed, octets)
        assert all(each.body in (b"", b"hello") for each in stream.messages), (seed, octets)


def _answers_are_whose_they_are(client: Client, seed: int) -> None:
    data = client.wire.written[: client.sound]
    for method, path in client.asked:
        stream = read_response(data, method, upgrade=True)
        assert stream.refusal is None, (seed, stream.refusal, data)
        finals = [each for each in stream.messages if isinstance(each, Response) and each.status not in (100, 103)]
        if not finals:
            return
        assert finals[0].status != 200 or method == b"HEAD" or finals[0].body == b"<%b>" % path, (seed, path, data)
        if finals[0].status == 101:
            return
        data = stream.rest
