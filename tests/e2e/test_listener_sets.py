"""A Gateway's listener and one that a ListenerSet adds, both named http, on one port: served and counted apart."""

from proxy.snapshot.delta import difference
from proxy.snapshot.route import RouteMatch, Rule
from proxy.snapshot.snapshot import Bind, Snapshot, Upstream
from tests.e2e.gateway import Gateway
from tests.e2e.peers import Backend
from tests.translate.declare import entry, listener_set, translated

CONFIG = """
kind: Gateway
metadata: {{name: web}}
spec:
  gatewayClassName: penstock
  allowedListeners: {{namespaces: {{from: All}}}}
  listeners: [{{name: http, protocol: HTTP, port: 80, hostname: own.example.com}}]
---
kind: HTTPRoute
metadata: {{name: own}}
spec: {{parentRefs: [{{name: web}}], rules: [{{backendRefs: [{{group: penstock.dev, kind: Backend, name: app}}]}}]}}
---
kind: HTTPRoute
metadata: {{name: added, namespace: shop}}
spec:
  parentRefs: [{{kind: ListenerSet, name: set}}]
  rules: [{{backendRefs: [{{group: penstock.dev, kind: Backend, name: app}}]}}]
---
kind: Backend
metadata: {{name: app}}
spec: {{endpoints: [{{host: 127.0.0.1, port: {port}}}]}}
---
kind: Backend
metadata: {{name: app, namespace: shop}}
spec: {{endpoints: [{{host: 127.0.0.1, port: {port}}}]}}
"""
SET = listener_set("set", entry("http", "added.example.com"), parent="{name: web, namespace: default}",
                   meta=", namespace: shop")  # fmt: skip


class Translated(Gateway):
    """Serves a snapshot that was made from declarations."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._snapshot = snapshot

    def _bind(self) -> Bind:
        return Bind(self._host, 80, self._snapshot.binds[0].listeners)

    def install(self, *rules: tuple[RouteMatch, Rule, tuple[Upstream, ...]]) -> None:
        self.plane.commit(self.plane.prepare(difference(None, self._snapshot)))


async def test_listeners_of_one_name_are_counted_and_logged_apart() -> None:
    async with Backend() as backend:
        outcome = translated(CONFIG.format(port=backend.port), SET)
        async with Translated(outcome.snapshot) as gateway:
            client = await gateway.client()
            for host, status in ((b"own", 200), (b"added", 200), (b"added", 200), (b"third", 404)):
                await client.send(b"GET / HTTP/1.1\r\nHost: " + host + b".example.com\r\n\r\n")
                assert (await client.response()).status == status
            own, added = ("default/web", "http", "default/own"), ("default/web", "shop/set/http", "shop/added")
            assert [answers(gateway, *own, "default/app"), answers(gateway, *added, "shop/app")] == [1, 2]
            logged = [(record.gateway, record.listener, record.route) for record in gateway.log.records]
            assert logged[:3] == [own, added, added]


def answers(gateway: Gateway, name: str, listener: str, route: str, backend: str) -> float:
    return gateway.metrics.value("penstock_http_requests_total", (name, listener, route, "0", backend, "GET", "200"))
