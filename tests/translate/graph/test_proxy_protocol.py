"""The PROXY protocol as declared: who is told whose a connection is, who is asked, and what is kept between the two."""

import pytest

from proxy.translate.translate import Translation
from tests.translate.declare import condition, status, translated
from tests.translate.test_incremental import World, endpoints

GATEWAY = """
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: penstock
  infrastructure: {parametersRef: {group: penstock.dev, kind: GatewayParameters, name: asked}}
  listeners:
    - {name: http, protocol: HTTP, port: 80}
    - {name: tcp, protocol: TCP, port: 9000}
    - {name: udp, protocol: UDP, port: 9000}
"""
TRUSTED = {"trusted_proxies": ("10.0.0.0/8",)}


def asked(more: str = "proxyProtocol: {}") -> str:
    return f"""
apiVersion: penstock.dev/v1alpha1
kind: GatewayParameters
metadata: {{name: asked}}
spec: {{{more}}}
"""


def service(annotation: str | None = None) -> str:
    annotations = "" if annotation is None else f", annotations: {{penstock.dev/proxy-protocol: '{annotation}'}}"
    return f"""
kind: Service
metadata: {{name: app{annotations}}}
spec: {{ports: [{{port: 80}}, {{port: 80, protocol: UDP, name: udp}}]}}
"""


def backend(version: str = "") -> str:
    header = f", proxyProtocol: {version}" if version else ""
    return f"""
kind: Backend
metadata: {{name: app}}
spec: {{endpoints: [{{host: 127.0.0.1, port: 1}}]{header}}}
"""


def route(kind: str, to: str = "name: app, port: 80") -> str:
    listener = {"TCPRoute": "tcp", "UDPRoute": "udp"}.get(kind, "http")
    return f"""
kind: {kind}
metadata: {{name: r}}
spec: {{parentRefs: [{{name: web, sectionName: {listener}}}], rules: [{{backendRefs: [{{{to}}}]}}]}}
"""


def resolved(made: Translation, kind: str) -> tuple[str, str]:
    return condition(status(made, kind, "r")["parents"][0]["conditions"], "ResolvedRefs")


OWN = "group: penstock.dev, kind: Backend, name: app"


@pytest.mark.parametrize(("declared", "told"), [(None, ""), ("v1", "v1"), ("v2", "v2"), ("V1", "v1"), ("V2", "v2")])
def test_a_service_is_told_by_an_annotation(declared: str | None, told: str) -> None:
    made = translated(GATEWAY, asked(), service(declared), endpoints("10.0.0.1"), route("TCPRoute"), **TRUSTED)
    assert made.snapshot.upstreams["tcp://default/app:80"].proxy_protocol == told
    assert resolved(made, "TCPRoute") == ("True", "ResolvedRefs")


@pytest.mark.parametrize(("declared", "told"), [("", ""), ("V1", "v1"), ("V2", "v2")])
def test_a_backend_is_told_by_its_field(declared: str, told: str) -> None:
    made = translated(GATEWAY, asked(), backend(declared), route("TCPRoute", OWN), **TRUSTED)
    assert made.snapshot.upstreams["tcp://default/app"].proxy_protocol == told


@pytest.mark.parametrize("declared", ["v3", "yes", "1", "v1 ", "true", ""])
@pytest.mark.parametrize("kind", ["TCPRoute", "UDPRoute", "HTTPRoute"])
def test_what_makes_no_sense_is_spoken_to_by_nobody(declared: str, kind: str) -> None:
    """Least of all without a header: whoever expects one would take the client's octets for it."""
    made = translated(GATEWAY, asked(), service(declared), endpoints("10.0.0.1"), route(kind), **TRUSTED)
    assert resolved(made, kind) == ("False", "UnsupportedProtocol")
    assert made.snapshot.upstreams == {}


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute", "UDPRoute"])
@pytest.mark.parametrize(("to", "what"), [("name: app, port: 80", service("v2")), (OWN, backend("V2"))])
def test_only_connections_of_one_client_can_begin_with_a_header(kind: str, to: str, what: str) -> None:
    made = translated(GATEWAY, asked(), what, route(kind, to), **TRUSTED)
    assert resolved(made, kind) == ("False", "UnsupportedProtocol")
    assert made.snapshot.upstreams == {}


def test_the_same_backend_may_be_told_and_refused() -> None:
    both = GATEWAY, asked(), backend("V2"), route("TCPRoute", OWN), route("HTTPRoute", OWN)
    made = translated(*both, **TRUSTED)
    assert resolved(made, "TCPRoute")[0] == "True" and resolved(made, "HTTPRoute")[0] == "False"
    assert made.snapshot.upstreams.keys() == {"tcp://default/app"}


# --- who is asked -----------------------------------------------------------------------------


def asks(made: Translation) -> dict[tuple[int, str], str]:
    return {(bind.port, bind.transport): bind.proxy_headers for bind in made.snapshot.binds}


@pytest.mark.parametrize(("mode", "asks_for"), [("{}", "required"), ("{mode: Required}", "required"),
                                                ("{mode: Optional}", "optional")])  # fmt: skip
def test_all_tcp_ports_of_a_gateway_ask_alike(mode: str, asks_for: str) -> None:
    made = translated(GATEWAY, asked(f"proxyProtocol: {mode}"), **TRUSTED)
    assert asks(made) == {(80, "TCP"): asks_for, (9000, "TCP"): asks_for, (9000, "UDP"): ""}


def test_without_parameters_nobody_is_asked() -> None:
    assert set(asks(translated(GATEWAY, asked("")))) == {(80, "TCP"), (9000, "TCP"), (9000, "UDP")}
    assert set(asks(translated(GATEWAY, asked(""))).values()) == {""}


def warned(*texts: str, **settings: object) -> list[str]:
    made = translated(*texts, **settings)
    return [problem.field for problem in made.problems if "PROXY" in problem.message]


def test_where_nobody_is_trusted_somebody_is_warned() -> None:
    field = "spec.infrastructure.parametersRef"
    assert warned(GATEWAY, asked()) == [field]
    assert warned(GATEWAY, asked(), **TRUSTED) == []
    assert warned(GATEWAY, asked("")) == []


def test_a_data_plane_of_its_own_trusts_whom_its_options_name() -> None:
    """Those of the controller are for what it serves itself."""
    args = "deployment: {{image: 'a:1', args: [{}]}}, proxyProtocol: {{}}"
    own, without = (asked(args.format(each)) for each in ("--trusted-proxies=10.0.0.0/8", "--log-level=debug"))
    of_class = """
kind: GatewayClass
metadata: {name: penstock}
spec:
  controllerName: penstock.dev/gateway-controller
  parametersRef: {group: penstock.dev, kind: GatewayParameters, namespace: default, name: asked}
"""
    gateway = GATEWAY.replace("  infrastructure", "  # infrastructure")
    assert warned(gateway, of_class, own) == []
    assert warned(gateway, of_class, without, **TRUSTED) == ["spec.gatewayClassName"]
    assert warned(gateway, of_class, without, only_gateway="default/web", **TRUSTED) == []
    assert warned(gateway, of_class, own, only_gateway="default/web") == ["spec.gatewayClassName"]


# --- from one translation to the next ---------------------------------------------------------


def test_what_is_declared_otherwise_is_served_otherwise() -> None:
    here = World(web=GATEWAY, p=asked(), app=service("v1"), slice=endpoints("10.0.0.1"), r=route("TCPRoute"))
    first = here.translate()
    assert here.translate().snapshot is first.snapshot
    here.change(app=service("v2"))
    second = here.translate()
    assert second.snapshot.upstreams["tcp://default/app:80"].proxy_protocol == "v2"
    here.change(app=service("nonsense"))
    assert here.translate().snapshot.upstreams == {}
    here.change(app=service(), p=asked("proxyProtocol: {mode: Optional}"))
    last = here.translate()
    assert last.snapshot.upstreams["tcp://default/app:80"].proxy_protocol == ""
    assert asks(last)[9000, "TCP"] == "optional"
