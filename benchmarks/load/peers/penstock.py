"""Penstock, started as a user starts it: `python -m proxy run FILE --workers 1`."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator

from benchmarks.load.certificate import pair
from benchmarks.load.peers import Launch, Plan
from benchmarks.load.tools import ROOT
from benchmarks.load.workloads import ROUTE_HEADER, SERVER_NAME, Relay, Route, Table

RULES_PER_ROUTE = 16
"""HTTPRoute takes no more (spec.rules, maxItems)."""
NAMESPACE = "bench"

Document = dict[str, object]


def launcher(python: str = sys.executable) -> Callable[[Plan], Launch]:
    """Penstock run by that interpreter, from this source tree."""

    def launch(plan: Plan) -> Launch:
        path = plan.write("gateway.yaml", text(documents(plan.table, plan.port, plan.backend_port)))
        argv = [python, "-m", "proxy", "run", str(path), "--workers", "1", "--address", "127.0.0.1"]
        argv += ["--admin", f"127.0.0.1:{plan.admin_port}", "--access-log", "off"]
        patience = 60.0 + plan.table.size / 200
        return Launch(tuple(argv), environment(), admin=True, patience=patience)

    return launch


def environment() -> dict[str, str]:
    """Finds this source tree first; what else PYTHONPATH names may hold the dependencies of another interpreter."""
    given = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), *map(os.path.abspath, given)])}


def text(objects: Iterable[Document]) -> str:
    """YAML documents, each written as JSON (which YAML contains), so that 100,000 rules are quickly read."""
    return "".join(f"---\n{json.dumps(document, separators=(',', ':'))}\n" for document in objects)


def documents(table: Table, port: int, backend_port: int) -> Iterator[Document]:
    """A Gateway on `port` with the table's rules, all leading to one Service on `backend_port`."""
    if table.relay:
        yield from relaying(table.relay, port, backend_port)
        return
    yield gateway(port, secure=table.secure)
    if table.secure:
        yield secret()
    yield from service(backend_port, "kubernetes.io/h2c" if table.grpc else "")
    for host, routes in table.by_host().items():
        for start in range(0, len(routes), RULES_PER_ROUTE):
            name = f"{host.partition('.')[0] or 'all'}-{start // RULES_PER_ROUTE:05d}"
            yield http_route(name, host, [rule(route) for route in routes[start : start + RULES_PER_ROUTE]])


def gateway(port: int, *, secure: bool = False) -> Document:
    listener: Document = {"name": "http", "protocol": "HTTP", "port": port}
    if secure:
        listener |= {"protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "certificate"}]}}
    return _gateway(listener)


def _gateway(listener: Document) -> Document:
    spec = {"gatewayClassName": "penstock", "listeners": [listener]}
    return _object("gateway.networking.k8s.io/v1", "Gateway", "edge", spec=spec)


def relaying(relay: Relay, port: int, backend_port: int) -> Iterator[Document]:
    """A Gateway that passes connections on, all of them or those of TLS that name a server."""
    listener: Document = {"name": "l4", "protocol": "TCP", "port": port}
    spec: Document = {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "backend", "port": 8080}]}]}
    if relay == "tls":
        listener |= {"protocol": "TLS", "tls": {"mode": "Passthrough"}}
        spec["hostnames"] = [SERVER_NAME]
    yield _gateway(listener)
    yield from service(backend_port)
    kind = "TLSRoute" if relay == "tls" else "TCPRoute"
    yield _object("gateway.networking.k8s.io/v1", kind, "all", spec=spec)


def secret() -> Document:
    values = {"tls.crt": pair().chain, "tls.key": pair().key}
    return _object("v1", "Secret", "certificate", type="kubernetes.io/tls", stringData=values)


def service(port: int, app_protocol: str = "") -> Iterator[Document]:
    ports: list[Document] = [{"name": "http", "port": 8080, "protocol": "TCP"}]
    if app_protocol:
        ports[0]["appProtocol"] = app_protocol
    yield _object("v1", "Service", "backend", spec={"ports": ports})
    yield _object(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        "backend-1",
        labels={"kubernetes.io/service-name": "backend"},
        addressType="IPv4",
        ports=[{"name": "http", "port": port, "protocol": "TCP"}],
        endpoints=[{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
    )


def http_route(name: str, host: str, rules: list[Document]) -> Document:
    spec: Document = {"parentRefs": [{"name": "edge"}], "rules": rules}
    if host:
        spec["hostnames"] = [host]
    return _object("gateway.networking.k8s.io/v1", "HTTPRoute", name, spec=spec)


def rule(route: Route) -> Document:
    match: Document = {"path": {"type": "PathPrefix", "value": route.prefix}}
    if route.header:
        match["headers"] = [{"name": ROUTE_HEADER, "value": route.header}]
    return {"matches": [match], "backendRefs": [{"name": "backend", "port": 8080}]}


def _object(version: str, kind: str, name: str, labels: dict[str, str] | None = None, **rest: object) -> Document:
    metadata: Document = {"name": name, "namespace": NAMESPACE}
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}
