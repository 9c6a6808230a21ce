"""A View that is whatever a test says."""

from collections.abc import Mapping, Sequence

from proxy.admin.explain import gateway_wide
from proxy.admin.view import NameState, WorkerState
from proxy.downstream.settings import DataPlaneSettings
from proxy.resources.meta import ObjectKey
from proxy.resources.problem import Problem
from proxy.snapshot.names import NameKey
from proxy.snapshot.route import BackendRef, Entry, HostBucket, RouteMatch, Rule
from proxy.snapshot.snapshot import Bind, Endpoint, Listener, Snapshot, Transport, Upstream
from proxy.sources.file import load_text
from proxy.translate.explain.explain import Explained
from proxy.translate.settings import TranslateSettings
from proxy.translate.status.build import ObjectStatus
from proxy.translate.translate import translate

RULE = Rule(route="ns/r", index=0, backends=(BackendRef("ns/app:80", upstream="ns/app:80"),))
SNAPSHOT = Snapshot(
    generation=3,
    binds=(Bind("", 8080, ("ns/gw/http",)), Bind("10.0.0.1", 8081, ("ns/gw/http",))),
    listeners={"ns/gw/http": Listener("ns/gw", "http", "HTTP", b"*.example.com", 80)},
    buckets={
        ("ns/gw/http", b"*.example.com"): HostBucket(b"*.example.com", (RULE,), (Entry(RouteMatch(b"/app"), 0, 0),))
    },
    upstreams={"ns/app:80": Upstream("ns/app:80", (Endpoint("10.0.0.9", 8080),))},
)
DECLARED = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: ns}
spec:
  gatewayClassName: penstock
  listeners: [{name: http, protocol: HTTP, port: 80, hostname: "*.example.com"}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: ns}
spec:
  parentRefs: [{name: gw}]
  rules: [{matches: [{path: {value: /app}}], backendRefs: [{name: app, port: 80}]}]
"""
LOADED = load_text(DECLARED, "a.yaml")
EXPLAINED = Explained(translate(LOADED.resources, TranslateSettings()), gateway_wide(DataPlaneSettings()), LOADED.place)
"""What a snapshot like SNAPSHOT would be made from."""
PROBLEM = Problem("error", "is <missing>", "HTTPRoute", "ns", "other", "spec.rules", "add it", "a.yaml", 3)


class FakeView:
    """Two workers serve generation 3; one of two binds is bound."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = SNAPSHOT
        self.explained: Explained | None = EXPLAINED
        self.statuses: Sequence[ObjectStatus] = [ObjectStatus("Gateway", ObjectKey("ns", "gw"), {"listeners": []})]
        self.problems: Sequence[Problem] = ()
        self.draining = False
        self.bound: Sequence[tuple[str, int, Transport]] = [("", 8080, "TCP")]
        self.workers: Mapping[int, WorkerState] = {0: WorkerState(100, 3, 12.34), 1: WorkerState(101, 2, 4000.0)}
        self.names: Mapping[NameKey, NameState] = {}
        self.uptime = 61.0

    def render_metrics(self, openmetrics: bool) -> bytes:
        return b"openmetrics\n" if openmetrics else b"text\n"
