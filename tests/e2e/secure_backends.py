"""A data plane before endpoints that speak TLS, and what it must find of them."""

import ssl
from collections.abc import Iterable

from msgspec.structs import replace

from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.certificate import CABundle, Certificate
from proxy.snapshot.route import BackendRef, RouteMatch, Rule
from proxy.snapshot.snapshot import Snapshot, Upstream
from proxy.snapshot.upstream_tls import SubjectName, UpstreamTLS
from proxy.tls.engine import MemoryEngine, TLSFailure
from tests.certificates import Authority, Pair
from tests.e2e.gateway import LISTENER, Gateway, to
from tests.e2e.peers import Ended, Peer

Rules = tuple[RouteMatch, Rule, tuple[Upstream, ...]]


class Trust:
    """What is declared for backends: tables of a snapshot that grow as backends are named."""

    def __init__(self) -> None:
        self.settings: dict[str, UpstreamTLS] = {}
        self.bundles: dict[str, CABundle] = {}
        self.certificates: dict[str, Certificate] = {}

    def to(
        self,
        *ports: int,
        authority: Authority | None = None,
        bundle: CABundle | None = None,
        name: str = "one.example",
        names: Iterable[tuple[str, str]] = (),
        shows: Pair | None = None,
        key: str = "",
    ) -> tuple[BackendRef, Upstream]:
        """A backend whose endpoints must be vouched for by an authority, or by one of a bundle."""
        if bundle is None:
            assert authority is not None
            bundle = authority.bundle
        own = "" if shows is None else self.show(shows)
        wanted = tuple(SubjectName(kind, value) for kind, value in names)  # type: ignore[arg-type]
        tls = UpstreamTLS(name, (bundle.digest,), wanted, own)
        self.bundles[bundle.digest] = bundle
        self.settings[tls.digest] = tls
        _, upstream = to(*ports)
        key = key or upstream.key
        return BackendRef(key, upstream=key), replace(upstream, key=key, tls=tls.digest)

    def show(self, pair: Pair) -> str:
        certificate = pair.certificate
        self.certificates[certificate.digest] = certificate
        return certificate.digest


class SecuringGateway(Gateway):
    """Has a Trust; `shows` is what its Gateway shows to endpoints."""

    def __init__(
        self, trust: Trust, *rules: Rules, shows: Pair | None = None, settings: DataPlaneSettings | None = None
    ) -> None:
        super().__init__(*rules, settings=settings)
        self.trust = trust
        self.shows = shows

    def _snapshot(self, *rules: Rules) -> Snapshot:
        snapshot = super()._snapshot(*rules)
        listener = snapshot.listeners[LISTENER]
        if self.shows is not None:
            listener = replace(listener, client_certificate=self.trust.show(self.shows))
        return replace(
            snapshot,
            listeners={LISTENER: listener},
            certificates=dict(self.trust.certificates),
            upstream_tls=dict(self.trust.settings),
            bundles=dict(self.trust.bundles),
        )

    def failures(self, backend: tuple[BackendRef, Upstream], reason: str) -> float:
        return self.metrics.value("penstock_upstream_connect_failures_total", (backend[1].key, reason))


class Sealed:
    """The endpoint's side of TLS over a raw connection, so that it can be cut where no library would."""

    def __init__(self, peer: Peer, context: ssl.SSLContext) -> None:
        self._peer = peer
        self._engine = MemoryEngine(context)
        self._fed = 0
        self.received = b""

    async def handshake(self) -> bool:
        """Whether there was one; if not, the alert has been sent."""
        try:
            while not self._engine.handshake():
                await self._feed()
        except TLSFailure:
            await self._peer.send(self._engine.take())
            return False
        await self._peer.send(self._engine.take())
        return True

    async def _feed(self) -> None:
        await self._peer.send(self._engine.take())
        if not await self._peer.more():
            raise Ended(self._peer.how, self._peer.received)
        self._engine.feed(self._peer.received[self._fed :])
        self._fed = len(self._peer.received)

    async def until(self, mark: bytes) -> None:
        while mark not in self.received:
            while not (data := self._engine.read()):
                await self._feed()
            self.received += data

    async def send(self, data: bytes) -> None:
        self._engine.write(data)
        await self._peer.send(self._engine.take())

    async def until_it_ends(self) -> None:
        """Until the other side has said that it sends no more."""
        while not self._engine.ended:
            if not (data := self._engine.read()) and not self._engine.ended:
                await self._feed()
            self.received += data

    async def say_end(self) -> None:
        self._engine.close()
        await self._peer.send(self._engine.take())


def old_versions_only(context: ssl.SSLContext) -> ssl.SSLContext:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context
