"""An authorization server for tests: an endpoint that says yes or no, and what a rule needs to ask it."""

from collections.abc import Awaitable, Callable
from typing import Any

from proxy.snapshot.route import BackendRef, ExternalAuth
from proxy.snapshot.snapshot import Upstream
from tests.e2e.gateway import Gateway, to
from tests.e2e.peers import Backend, Ended, Peer
from tests.oracle import grammar

Answers = Callable[[grammar.Request], bytes | Awaitable[bytes]]

ALLOWS = b"HTTP/1.1 200 OK\r\nX-User: ada\r\nContent-Length: 2\r\n\r\nok"
DENIES = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 6\r\n\r\nlog in'


def answering(answer: bytes) -> Callable[[Peer], Awaitable[None]]:
    """The same to every question; a question of the method HEAD gets the head alone."""

    async def script(peer: Peer) -> None:
        while True:
            try:
                request = await peer.request()
            except Ended:
                return
            await peer.send(answer if request.method != b"HEAD" else answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")

    return script


class Asked:
    """The filter that asks endpoints on these ports, and what comes into the snapshot with it."""

    def __init__(self, *ports: int, target: tuple[BackendRef, Upstream] | None = None, **settings: Any) -> None:
        ref, self.upstream = target or to(*ports)
        self.name = ref.backend
        self.filter = ExternalAuth(self.name, self.upstream.key, **settings)
        self.beside = (BackendRef(self.name, 0, self.upstream.key), self.upstream)
        """A backend without a share, by which the upstream is in the snapshot."""

    def count(self, gateway: Gateway, result: str) -> float:
        return gateway.metrics.value("penstock_external_auth_requests_total", (self.name, result))

    def counts(self, gateway: Gateway) -> dict[str, float]:
        results = ("allowed", "denied", "failed", "timeout", "aborted")
        return {result: count for result in results if (count := self.count(gateway, result))}


def logged(gateway: Gateway) -> tuple[int, str, str]:
    record = gateway.log.records[-1]
    return record.status, record.flags, record.reason


def untouched(backend: Backend) -> bool:
    """Not one octet has reached it, nor a connection."""
    return not backend.peers


def named(request: grammar.Request, name: bytes) -> list[bytes]:
    return [value for field, value in request.fields if field.lower() == name]
