"""Differences: applied they give the new snapshot, and they hold no more than what changed."""

import msgspec
import pytest

from proxy.snapshot.certificate import CABundle, Certificate, ClientValidation
from proxy.snapshot.delta import EMPTY, WrongBase, apply, decode_delta, difference, encode_delta
from proxy.snapshot.l4 import L4Route
from proxy.snapshot.route import (
    BackendRef,
    Entry,
    Fail,
    HeaderModifier,
    HostBucket,
    PathModifier,
    Redirect,
    Rewrite,
    RouteMatch,
    Rule,
    ValueMatch,
)
from proxy.snapshot.snapshot import Bind, Endpoint, Listener, Snapshot, Upstream


def bucket(host: bytes, *rules: Rule) -> HostBucket:
    match = RouteMatch(b"/a", "regex", b"GET", (ValueMatch(b"x", b"1"),), (ValueMatch(b"q", b".*", True),))
    return HostBucket(host, rules, tuple(Entry(match, i, 0, host) for i in range(len(rules))))


RULE = Rule(
    route="default/r",
    index=1,
    name="main",
    created="2024-01-01T00:00:00Z",
    filters=(
        HeaderModifier("request", set=((b"a", b"\xff"),), remove=(b"b",)),
        Redirect(scheme="https", path=PathModifier("prefix", b"/x", b"/a")),
        Rewrite("host"),
        Fail("why"),
    ),
    backends=(BackendRef("default/s:80", 3, "default/s:80", filters=(Fail("x"),)), BackendRef("n/x", invalid="gone")),
)
LISTENER = Listener("default/web", "http", "HTTP", b"*.example.com", 80)
OLD = Snapshot(
    generation=4,
    binds=(Bind("", 8080, (LISTENER.key,)),),
    listeners={LISTENER.key: LISTENER},
    buckets={(LISTENER.key, b"a"): bucket(b"a", RULE), (LISTENER.key, b"b"): bucket(b"b")},
    upstreams={
        "default/s:80": Upstream("default/s:80", (Endpoint("::1", 1), Endpoint("x", 2))),
        "n/x": Upstream("n/x", protocol="http", tls="t"),
        "udp://n/x": Upstream("udp://n/x", protocol="udp"),
    },
    l4={
        "default/web/udp": (
            L4Route("n/r", "UDPRoute", name="main", backends=(BackendRef("n/x", 2, "udp://n/x"), BackendRef("n/y"))),
            L4Route("n/s", "TLSRoute", b"*.example.com"),
        )
    },
)


def test_a_worker_that_has_nothing_gets_everything() -> None:
    delta = difference(None, OLD)
    assert delta.base == 0
    assert apply(None, delta) == OLD
    assert apply(EMPTY, delta) == OLD


def test_only_what_changed_is_sent() -> None:
    new = msgspec.structs.replace(
        OLD,
        generation=5,
        buckets={(LISTENER.key, b"a"): OLD.buckets[LISTENER.key, b"a"], (LISTENER.key, b"c"): bucket(b"c", RULE)},
        upstreams={"n/x": Upstream("n/x", protocol="http", tls="u")},
    )
    delta = difference(OLD, new)
    assert delta.buckets.keys() == {(LISTENER.key, b"c")}
    assert delta.dropped_buckets == ((LISTENER.key, b"b"),)
    assert delta.upstreams.keys() == {"n/x"}
    assert delta.dropped_upstreams == ("default/s:80", "udp://n/x")
    assert apply(OLD, delta) == new


def test_only_new_certificates_are_sent() -> None:
    kept, old, new = (Certificate(b"chain", key, (b"a",), "a", 1.0) for key in (b"1", b"2", b"3"))
    before = msgspec.structs.replace(OLD, certificates={kept.digest: kept, old.digest: old})
    after = msgspec.structs.replace(OLD, generation=5, certificates={kept.digest: kept, new.digest: new})
    delta = decode_delta(encode_delta(difference(before, after)))
    assert delta.certificates == {new.digest: new}
    assert delta.dropped_certificates == (old.digest,)
    assert apply(before, delta) == after


def test_only_new_authorities_are_sent() -> None:
    kept, old, new = (CABundle(pem) for pem in (b"1", b"2", b"3"))
    clients = ClientValidation((kept.digest, new.digest), insecure_fallback=True)
    before = msgspec.structs.replace(OLD, bundles={kept.digest: kept, old.digest: old})
    after = msgspec.structs.replace(
        OLD,
        generation=5,
        bundles={kept.digest: kept, new.digest: new},
        listeners={LISTENER.key: msgspec.structs.replace(LISTENER, clients=clients)},
    )
    delta = decode_delta(encode_delta(difference(before, after)))
    assert delta.bundles == {new.digest: new}
    assert delta.dropped_bundles == (old.digest,)
    assert apply(before, delta) == after


def test_a_certificate_is_known_by_chain_and_key_and_shows_neither() -> None:
    digests = {Certificate(chain, key).digest for chain, key in ((b"a", b"bc"), (b"ab", b"c"), (b"a", b"b"))}
    assert len(digests) == 3
    shown = repr(msgspec.structs.replace(OLD, certificates={"d": Certificate(b"CHAIN", b"KEY", (b"a",), "name")}))
    assert "name" in shown and "KEY" not in shown and "CHAIN" not in shown


def test_equal_parts_are_not_sent_though_they_are_other_instances() -> None:
    copy = apply(None, decode_delta(encode_delta(difference(None, OLD))))
    delta = difference(OLD, copy)
    assert copy.buckets[LISTENER.key, b"a"] is not OLD.buckets[LISTENER.key, b"a"]
    assert (delta.buckets, delta.upstreams, delta.dropped_buckets) == ({}, {}, ())


def test_the_wire_keeps_everything() -> None:
    delta = difference(None, OLD)
    assert decode_delta(encode_delta(delta)) == delta


def test_a_delta_for_another_base_is_refused() -> None:
    with pytest.raises(WrongBase, match="generation 4, here is 0"):
        apply(None, difference(OLD, OLD))


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x81\xa4base\xa1x", encode_delta(difference(None, OLD))[:-1]])
def test_anything_else_is_no_delta(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_delta(data)
