"""The plan of sockets: also for protocols that are not served yet."""

from proxy.resources.gateway import Listener
from proxy.resources.meta import ObjectKey
from proxy.snapshot.snapshot import ProxyHeaders
from proxy.translate.graph.binds import Plan
from proxy.translate.graph.nodes import ListenerNode


def listener(name: str, protocol: str = "HTTP", port: int = 80, hostname: str = "") -> ListenerNode:
    return ListenerNode(ObjectKey("default", "web"), Listener(name, port, protocol), hostname, ())


def refused(plan: Plan, node: ListenerNode, *addresses: str) -> bool:
    return plan.claim(0, node, addresses or ("",)) is not None


def test_hostnames_tell_listeners_of_one_socket_apart() -> None:
    plan = Plan({})
    assert not refused(plan, listener("a"))
    assert not refused(plan, listener("b", hostname="x"))
    assert refused(plan, listener("c", hostname="x"))
    assert [bind.listeners for bind in plan.binds()] == [("default/web/a", "default/web/b")]


def test_a_socket_speaks_one_protocol() -> None:
    plan = Plan({})
    assert not refused(plan, listener("a", "HTTPS", 443, "x"))
    assert not refused(plan, listener("b", "TLS", 443, "y"))
    assert refused(plan, listener("c", "HTTP", 443, "z"))
    assert not refused(plan, listener("d", "TCP", 9000))
    assert refused(plan, listener("e", "TCP", 9000, "x"))


def test_all_of_a_socket_ask_alike_whose_a_connection_is() -> None:
    plan = Plan({})
    rows: list[tuple[str, ProxyHeaders, bool]] = [
        ("a", "required", True), ("b", "optional", False), ("c", "", False), ("d", "required", True),
    ]  # fmt: skip
    for name, headers, fits in rows:
        refusal = plan.claim(0, listener(name, hostname=f"{name}.example"), ("",), headers=headers)
        assert (refusal is None) is fits
        assert fits or (refusal is not None and refusal.reason == "PortUnavailable")
    assert [(bind.listeners, bind.proxy_headers) for bind in plan.binds()] == [
        (("default/web/a", "default/web/d"), "required")
    ]


def test_all_addresses_or_none() -> None:
    plan = Plan({80: 8080})
    assert not refused(plan, listener("a"), "10.0.0.1")
    assert refused(plan, listener("b", port=8080), "10.0.0.2", "10.0.0.1")
    assert [(bind.address, bind.port) for bind in plan.binds()] == [("10.0.0.1", 8080)]
