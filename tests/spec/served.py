"""A configuration of files served on sockets, endpoints behind it, and a client that asks.

A request is written as a line, `[METHOD ]HOST/PATH[ name:value ...]`; what came of it is the name of the backend
that answered or, when it was the gateway, the status. So a table of rows reads like the rule that it tests:

    await answers(SITE, {"example.com/v2": "v2", "example.com/other": 404})
"""

import asyncio
import json
import socket
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any, NamedTuple, Self

from proxy.downstream.dataplane import DataPlane
from proxy.downstream.settings import DataPlaneSettings
from proxy.observe.metrics import WorkerMetrics
from proxy.snapshot.delta import difference
from proxy.snapshot.snapshot import Bind
from tests.certificates import Pair, client_context, shows
from tests.e2e.gateway import Log
from tests.e2e.peers import Backend, Peer, connect
from tests.e2e.versions.conversation import Endpoint
from tests.patience import eventually
from tests.spec.declared import HOST, Declared
from tests.spec.echo import echo

SERVICES = ("v1", "v2", "v3")
"""Always there, with port 8080 and one endpoint each."""


def service(name: str, port: int, more: str = "") -> str:
    """A Service with port 8080, and its endpoint. `more`: of the port, flow YAML that begins with a comma."""
    namespace, _, short = name.rpartition("/")
    meta = f"namespace: {namespace or 'default'}"
    return f"""
---
kind: Service
metadata: {{name: {short}, {meta}}}
spec: {{ports: [{{name: http, port: 8080{more}}}]}}
---
kind: EndpointSlice
metadata: {{name: {short}-1, {meta}, labels: {{kubernetes.io/service-name: {short}}}}}
addressType: IPv4
ports: [{{name: http, port: {port}}}]
endpoints: [{{addresses: ["{HOST}"]}}]
"""


class Answer(NamedTuple):
    """What a client got; `echo` is what the endpoint was asked, None where the gateway answered itself."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes
    echo: dict[str, Any] | None

    @property
    def outcome(self) -> str | int:
        return self.status if self.echo is None else str(self.echo["backend"])

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    def field(self, name: str) -> str | None:
        """The values joined, as one may; None without any."""
        return ",".join(self.all(name)) if self.all(name) else None

    def seen(self, name: str) -> str | None:
        """A field of the request as the endpoint got it, joined likewise."""
        assert self.echo is not None, (self.status, self.body)
        values = [value for key, value in self.echo["fields"] if key.lower() == name]
        return ",".join(values) if values else None

    @property
    def target(self) -> str:
        """Path and query that arrived."""
        assert self.echo is not None, (self.status, self.body)
        return str(self.echo["target"])


class Served:
    """`async with Served(SITE) as site:` serves it. `$NAME` in the text is the port of the backend NAME."""

    def __init__(
        self, text: str, *, services: Iterable[str] = SERVICES, backends: Mapping[str, Backend | Endpoint] | None = None
    ) -> None:
        """`services`: each with an endpoint that echoes; `backends`: more endpoints, which the text declares."""
        self._text = text
        self._services = {name: echo(name.rpartition("/")[2]) for name in services}
        self._others = dict(backends or {})
        self._sockets: dict[tuple[str, int], int] = {}
        self.log = Log()
        self.metrics = WorkerMetrics.in_memory()

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        for each in (*self._services.values(), *self._others.values()):
            await self._stack.enter_async_context(each)
        self.declared = Declared(self._in_full(self._text))
        self.plane = DataPlane(DataPlaneSettings(), self.metrics, self.log)  # type: ignore[arg-type]
        await self._serve()
        return self

    def _in_full(self, text: str) -> str:
        for name, each in sorted(self._others.items(), reverse=True):
            text = text.replace(f"${name}", str(each.port))
        return text + "".join(service(name, each.port) for name, each in self._services.items())

    async def _serve(self) -> None:
        snapshot = self.declared.translation.snapshot
        self.plane.commit(self.plane.prepare(difference(self.plane.snapshot, snapshot)))
        for bind in snapshot.binds:
            if (bind.address, bind.port) not in self._sockets:
                await self._open(bind)

    async def _open(self, bind: Bind) -> None:
        """On a free port, whatever is declared."""
        sock = socket.socket()
        sock.bind((HOST, 0))
        sock.listen(128)
        sock.setblocking(False)
        self._sockets[bind.address, bind.port] = sock.getsockname()[1]
        await self.plane.open(bind, sock)

    async def turn_to(self, text: str) -> None:
        """Another configuration, as by a reload."""
        self.declared = Declared(self._in_full(text), after=self.declared)
        await self._serve()

    async def __aexit__(self, *exc: object) -> None:
        await self.plane.close_listeners()
        self.plane.abort_all()
        await eventually(lambda: not self.plane.connections)
        await self._stack.aclose()
        await asyncio.sleep(0)

    # --- asking ---------------------------------------------------------------------------------

    def port_of(self, port: int = 80, address: str = HOST) -> int:
        """Where a declared port is found. Raises KeyError when nothing listens there."""
        return self._sockets[address, port]

    async def connect(self, port: int = 80, address: str = HOST) -> Peer:
        return await connect(self.port_of(port, address))

    async def ask(self, line: str, *, port: int = 80, address: str = HOST) -> Answer:
        peer = await self.connect(port, address)
        try:
            return await _exchange(peer, line)
        finally:
            peer.close()

    async def ask_securely(
        self, line: str, name: str | None, trusted: Pair, shown: Pair | None = None, *, port: int = 443
    ) -> Answer:
        """Over TLS, with `name` as the server name; names are not checked. `shown`: the client's certificate."""
        context = client_context(trusted)
        context.check_hostname = False
        if shown is not None:
            shows(context, shown)
        reader, writer = await asyncio.open_connection(
            HOST, self.port_of(port), ssl=context, server_hostname=name or "", ssl_shutdown_timeout=1.0
        )
        try:
            return await _exchange(Peer(reader, writer), line)
        finally:
            writer.transport.abort()

    async def outcomes(self, lines: Iterable[str], *, port: int = 80, address: str = HOST) -> dict[str, str | int]:
        return {line: (await self.ask(line, port=port, address=address)).outcome for line in lines}


async def answers(
    text: str, table: Mapping[str, str | int], *, port: int = 80, services: Iterable[str] = SERVICES
) -> None:
    """Each line of the table gets the outcome beside it."""
    async with Served(text, services=services) as site:
        assert await site.outcomes(table, port=port) == table


async def _exchange(peer: Peer, line: str) -> Answer:
    method, request = written_out(line)
    await peer.send(request)
    got = await peer.response(method)
    fields = [(name.decode().lower(), value.decode("latin-1")) for name, value in got.fields]
    echoed = ("content-type", "application/json") in fields and got.body.startswith(b'{"backend"')
    return Answer(got.status, fields, got.body, json.loads(got.body) if echoed else None)


def written_out(line: str) -> tuple[bytes, bytes]:
    """The method, and the octets of the request. `+` in a field's value stands for a space."""
    words = line.split(" ")
    method, *rest = words if words[0].isupper() and "/" not in words[0] else ["GET", *words]
    host, slash, target = rest[0].partition("/")
    pairs = [(name, value.replace("+", " ")) for name, _, value in (field.partition(":") for field in rest[1:])]
    if all(name.lower() != "x-echo-set-header" for name, _ in pairs):
        pairs.append(("X-Echo-Set-Header", ""))  # an empty value is one, too
    fields = [f"{name}: {value}" for name, value in (("Host", host), *pairs)]
    head = "\r\n".join([f"{method} {slash}{target} HTTP/1.1", *fields, "", ""])
    return method.encode(), head.encode("latin-1")
