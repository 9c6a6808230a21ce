"""A data plane with HTTPS listeners, and a client that shows what TLS does on the wire."""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.certificate import CABundle, ClientValidation
from proxy.snapshot.delta import difference
from proxy.snapshot.route import Entry, HostBucket, RouteMatch, Rule
from proxy.snapshot.snapshot import Bind, Listener, Snapshot, Upstream
from proxy.translate.graph.x509 import read_bundle
from tests.certificates import Pair, client_context
from tests.e2e.gateway import Gateway
from tests.e2e.peers import Ended, Peer
from tests.patience import PATIENCE

Rules = tuple[RouteMatch, Rule, tuple[Upstream, ...]]


class SecureGateway(Gateway):
    """One listener for each hostname ("" for every host), all on one port and all with the same rules."""

    def __init__(
        self, *rules: Rules, certificates: Mapping[str, Sequence[Pair]], settings: DataPlaneSettings | None = None
    ) -> None:
        super().__init__(*rules, settings=settings)
        self.certificates = dict(certificates)
        self.checks: dict[str, tuple[Sequence[Pair], bool]] = {}
        """Hostname to the authorities that clients are checked by, and whether others are let in all the same."""

    def name(self, hostname: str) -> str:
        return f"default/gateway/{hostname or 'any'}"

    def _bind(self) -> Bind:
        return Bind(self._host, 443, tuple(map(self.name, self.certificates)))

    def install(self, *rules: Rules) -> None:
        served = {host: [each.certificate for each in pairs] for host, pairs in self.certificates.items()}
        listeners = {
            self.name(host): Listener(
                "default/gateway",
                host or "any",
                "HTTPS",
                host.encode(),
                443,
                tuple(each.digest for each in items),
                clients=self._validation(host),
            )
            for host, items in served.items()
        }
        entries = tuple(Entry(match, i, 0) for i, (match, _, _) in enumerate(rules))
        snapshot = Snapshot(
            generation=self.plane.generation + 1,
            binds=(self._bind(),),
            listeners=listeners,
            buckets={
                (key, item.hostname): HostBucket(item.hostname, tuple(spec for _, spec, _ in rules), entries)
                for key, item in listeners.items()
            },
            upstreams={upstream.key: upstream for _, _, upstreams in rules for upstream in upstreams},
            certificates={item.digest: item for items in served.values() for item in items},
            bundles={item.digest: item for items, _ in self.checks.values() for item in map(bundle, items)},
        )
        self.plane.commit(self.plane.prepare(difference(self.plane.snapshot, snapshot)))

    def _validation(self, host: str) -> ClientValidation | None:
        authorities, insecure = self.checks.get(host, ((), False))
        return ClientValidation(tuple(bundle(each).digest for each in authorities), insecure) if authorities else None

    def check(self, hostname: str, *authorities: Pair, insecure: bool = False) -> None:
        """From now on clients of a listener are checked by these, or not at all."""
        self.checks[hostname] = authorities, insecure
        self.install(*self._rules)

    def rotate(self, hostname: str, *pairs: Pair) -> None:
        """Other certificates for a listener, everything else as it was."""
        self.certificates[hostname] = pairs
        self.install(*self._rules)

    async def secure(self, server_name: str | None, *trusted: Pair) -> Peer:
        """A client with a library's TLS; without a server name it checks none."""
        context = client_context(*trusted)
        context.check_hostname = server_name is not None
        reader, writer = await asyncio.open_connection(
            self._host, self.port, ssl=context, server_hostname=server_name or "", ssl_shutdown_timeout=1.0
        )
        peer = Peer(reader, writer)
        self._clients.append(peer)
        return peer

    async def __aexit__(self, *exc: object) -> None:
        for client in self._clients:
            client._writer.transport.abort()  # TLS would wait for the other side to end, too
        await super().__aexit__(*exc)

    def handshakes(self, result: str, listener: str = "") -> float:
        """How often a handshake ended so: under one listener, or before one was chosen."""
        return self.metrics.value(
            "penstock_tls_handshakes_total", (listener or ",".join(self._bind().listeners), result)
        )


def bundle(authority: Pair) -> CABundle:
    return read_bundle(authority.chain)


class TLSClient:
    """TLS over a raw connection: its octets can be cut, held back and damaged."""

    def __init__(self, peer: Peer, context: ssl.SSLContext, server_name: str | None) -> None:
        self.peer = peer
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname=server_name)
        self.received = b""
        self._fed = 0

    async def handshake(self, cut: Callable[[bytes], list[bytes]] = lambda data: [data]) -> Self:
        """`cut` says in which pieces our octets are sent."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self.flush(cut)
                await self._feed()
            else:
                await self.flush(cut)
                return self

    async def flush(self, cut: Callable[[bytes], list[bytes]] = lambda data: [data]) -> None:
        for piece in cut(self._out.read()):
            await self.peer.send(piece)
            await asyncio.sleep(0)

    async def _feed(self) -> None:
        if not await self.peer.more():
            raise Ended(self.peer.how, self.peer.received)
        self._in.write(self.peer.received[self._fed :])
        self._fed = len(self.peer.received)

    def sealed(self, data: bytes) -> bytes:
        """`data` as records, not sent."""
        self.tls.write(data)
        return self._out.read()

    async def send(self, data: bytes) -> None:
        await self.peer.send(self.sealed(data))

    async def say_end(self) -> None:
        """close_notify, and the TCP connection stays."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        await self.peer.send(self._out.read())

    async def until(self, mark: bytes) -> bytes:
        while mark not in self.received:
            await self.more()
        return self.received

    async def more(self) -> bool:
        """More plaintext; False when the server said that it ends. Raises Ended for an end that was not said."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    data = self.tls.read(1 << 16)
                except ssl.SSLWantReadError:
                    await self._feed()
                except ssl.SSLZeroReturnError:
                    return False
                else:
                    self.received += data
                    return bool(data)
