"""OverlappingTLSConfig: which listeners have it, for which reason, and what they may know of each other."""

import json
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.resources.meta import ObjectKey
from proxy.snapshot.certificate import Certificate
from proxy.translate.graph.hostnames import intersect
from proxy.translate.graph.nodes import CertificateNode, ListenerNode
from proxy.translate.status.overlaps import OVERLAPPING_TLS, Overlaps
from proxy.translate.translate import Translation
from tests.certificates import pair
from tests.translate.declare import listener_conditions, listener_set, objects, translated

HOSTNAMES, CERTIFICATES = ["OverlappingHostnames"], ["OverlappingCertificates"]


@cache
def secret(*names: str) -> str:
    """Named by the first of its hosts."""
    chain, key = (part.decode() for part in pair(*names))
    meta = {"name": named(names[0])}
    return json.dumps({"kind": "Secret", "metadata": meta, "stringData": {"tls.crt": chain, "tls.key": key}})


def named(host: str) -> str:
    return host.replace("*", "any")


def https(name: str, hostname: str, *certificates: str, port: int = 443) -> str:
    refs = ", ".join(f"{{name: {named(host)}}}" for host in certificates)
    host = f"hostname: '{hostname}', " if hostname else ""
    return f"{{name: {name}, protocol: HTTPS, port: {port}, {host}tls: {{certificateRefs: [{refs}]}}}}"


def web(*listeners: str) -> str:
    return f"""
kind: Gateway
metadata: {{name: web}}
spec:
  gatewayClassName: penstock
  allowedListeners: {{namespaces: {{from: All}}}}
  listeners: [{", ".join(listeners)}]
"""


def reasons(outcome: Translation, listener: str, kind: str = "Gateway", name: str = "web") -> list[str]:
    found = listener_conditions(outcome, kind, name, listener)
    assert all(item["status"] == "True" for item in found if item["type"] == OVERLAPPING_TLS)
    return [item["reason"] for item in found if item["type"] == OVERLAPPING_TLS]


def message(outcome: Translation, listener: str, kind: str = "Gateway", name: str = "web") -> str:
    found = listener_conditions(outcome, kind, name, listener)
    return next(str(item["message"]) for item in found if item["type"] == OVERLAPPING_TLS)


APART = [secret(host) for host in ("one.test", "two.test", "three.test")]


def test_hostnames_of_which_one_covers_the_other() -> None:
    """The example of the API: A and C have it, B has not. Neither has who listens on another port."""
    listeners = [https("a", "foo.example.com", "one.test"), https("b", "foo.example.org", "two.test"),
                 https("c", "*.example.com", "three.test"), https("d", "", "one.test", port=8443)]  # fmt: skip
    outcome = translated(web(*listeners), *APART)
    assert [reasons(outcome, name) for name in "abcd"] == [HOSTNAMES, [], HOSTNAMES, []]
    assert message(outcome, "a").startswith("the hostname overlaps with that of listener c: ")


CERTIFIED = [
    # names in the certificates of a listener and of another, which have different hostnames -> do they overlap?
    (("*.example.com",), ("foo.example.com",), True),
    (("foo.example.com",), ("*.example.com",), True),
    (("foo.example.com",), ("foo.example.com", "b.test"), True),
    (("x.test", "*.example.com"), ("y.test", "*.example.com"), True),
    (("*.example.com",), ("example.com",), False),
    (("*.example.com",), ("a.foo.example.com",), False),  # a wildcard of a certificate is one label
    (("*.example.com",), ("*.foo.example.com",), False),
    (("foo.example.com",), ("bar.example.com",), False),
]


@pytest.mark.parametrize(("one", "other", "overlap"), CERTIFIED)
def test_certificates_that_name_the_same_hosts(one: tuple[str, ...], other: tuple[str, ...], overlap: bool) -> None:
    listeners = [https("a", "a.test", one[0]), https("b", "b.test", other[0])]
    outcome = translated(web(*listeners), *{secret(*one), secret(*other)})
    assert reasons(outcome, "a") == reasons(outcome, "b") == (CERTIFICATES if overlap else [])


def test_of_both_reasons_certificates_are_told() -> None:
    listeners = [https("a", "*.example.com", "*.example.com"), https("b", "foo.example.com", "*.example.com")]
    outcome = translated(web(*listeners), secret("*.example.com"))
    assert reasons(outcome, "a") == reasons(outcome, "b") == CERTIFICATES
    assert "the hostname overlaps with that of listener b, and the certificates" in message(outcome, "a")


def test_listener_sets_are_on_the_same_ports() -> None:
    """Both sides are told, those of two sets, too; by name only within a namespace."""
    sets = [
        listener_set("near", https("set", "foo.example.com", "two.test")),
        listener_set("far", https("set", "bar.example.com", "two.test"), parent="{name: web, namespace: default}",
                     meta=", namespace: elsewhere"),
    ]  # fmt: skip
    elsewhere = secret("two.test").replace('"two.test"}', '"two.test", "namespace": "elsewhere"}', 1)
    outcome = translated(web(https("own", "*.example.com", "one.test")), *sets, *APART, elsewhere)
    assert reasons(outcome, "own") == HOSTNAMES
    assert "listener set of ListenerSet default/near, a listener of another ListenerSet: " in message(outcome, "own")
    assert (
        reasons(outcome, "set", "ListenerSet", "near") == reasons(outcome, "set", "ListenerSet", "far") == CERTIFICATES
    )
    far = message(outcome, "set", "ListenerSet", "far")
    assert "listener own of Gateway default/web" in far and "near" not in far


def test_what_is_refused_overlaps_nothing() -> None:
    """A conflict is told as one; a set that may not attach adds nothing."""
    twice = [https("a", "a.test", "one.test"), https("b", "a.test", "one.test")]
    outcome = translated(web(*twice), *APART)
    assert [reasons(outcome, name) for name in "ab"] == [[], []]
    closed = web(https("own", "*.example.com", "one.test")).replace("from: All", "from: None")
    outcome = translated(closed, listener_set("near", https("set", "foo.example.com", "one.test")), *APART)
    assert reasons(outcome, "own") == reasons(outcome, "set", "ListenerSet", "near") == []


def test_of_many_a_few_are_named() -> None:
    listeners = [https(f"l{i}", f"h{i}.example.com", "one.test") for i in range(9)]
    outcome = translated(web(*listeners), *APART)
    listed = "listener l0, listener l1, listener l2, listener l3, listener l4 and others"
    assert f"those of {listed} name, too" in message(outcome, "l8")


# --- against every pair, one by one ---------------------------------------------------------------------

LABELS = st.sampled_from(["a", "b"])
HOSTS = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
WILD = st.one_of(HOSTS, HOSTS.map("*.{}".format), st.just(""))


def node(index: int, hostname: str, names: tuple[str, ...]) -> ListenerNode:
    certificate = Certificate(b"", b"", tuple(name.encode() for name in names))
    [gateway] = objects(web(https(f"l{index}", hostname)))
    spec = gateway.spec.listeners[0]  # type: ignore[attr-defined]
    held = (CertificateNode("s", str(index), certificate),)
    return ListenerNode(ObjectKey("default", "web"), spec, hostname, (), certificates=held, secure=True)


def covers(wildcard: str, name: str) -> bool:
    """RFC 9525: the same, or one label in place of the asterisk."""
    return wildcard == name or (wildcard[:2] == "*." and wildcard[2:] == name.partition(".")[2] and name[:2] != "*.")


@given(
    st.lists(
        st.tuples(WILD, st.lists(WILD.filter(bool), max_size=2).map(tuple)), max_size=6, unique_by=lambda row: row[0]
    )
)
def test_lookups_find_what_comparing_all_pairs_finds(rows: list[tuple[str, tuple[str, ...]]]) -> None:
    nodes = [node(i, *row) for i, row in enumerate(rows)]
    overlaps = Overlaps(nodes)
    for i, one in enumerate(nodes):
        others = [(other, rows[j]) for j, other in enumerate(nodes) if j != i]
        hostnames = any(intersect(one.hostname.encode(), other.hostname.encode()) is not None for other, _ in others)
        certificates = any(
            covers(mine, its) or covers(its, mine) for _, (_, names) in others for mine in rows[i][1] for its in names
        )
        found = [each["reason"] for each in overlaps.conditions(one, 1)]
        assert found == (CERTIFICATES if certificates else HOSTNAMES if hostnames else [])
