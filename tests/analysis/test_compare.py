"""What changes beside the rules: ports, server names, how clients are checked, certificates, TLS to backends."""

from msgspec.structs import replace

from proxy.analysis.compare import compare
from proxy.analysis.tell import comparison_data
from proxy.snapshot.certificate import ClientValidation
from proxy.snapshot.route import BackendRef, Entry, Fail, HostBucket, Redirect, Retry, RouteMatch, Rule, Timeouts
from proxy.snapshot.snapshot import Bind, Listener, Snapshot, Upstream
from proxy.snapshot.upstream_tls import UpstreamTLS

APP = "default/app:80"


def rule(route: str = "default/r", **fields: object) -> Rule:
    return Rule(route, 0, **{"backends": (BackendRef(APP, 1, APP),), **fields})  # type: ignore[arg-type]


def listener(name: str = "web", hostname: bytes = b"", **fields: object) -> Listener:
    return Listener("default/gw", name, **{"protocol": "HTTP", "hostname": hostname, "port": 80, **fields})  # type: ignore[arg-type]


def secure(name: str, hostname: bytes = b"", **fields: object) -> Listener:
    return listener(name, hostname, protocol="HTTPS", port=443, certificates=("c",), **fields)


def served(*listeners: Listener, address: str = "", answer: Rule | None = None, **fields: object) -> Snapshot:
    """One port, on each of whose listeners one rule answers everything."""
    one = answer or rule()
    buckets = {
        (each.key, each.hostname): HostBucket(each.hostname, (one,), (Entry(RouteMatch(), 0, 0, each.hostname),))
        for each in listeners
    }
    return Snapshot(
        **{  # type: ignore[arg-type]
            "generation": 1,
            "binds": (Bind(address, listeners[0].port, tuple(each.key for each in listeners)),),
            "listeners": {each.key: each for each in listeners},
            "buckets": buckets,
            "upstreams": {APP: Upstream(APP)},
            **fields,
        }
    )


def said(old: Snapshot, new: Snapshot) -> list[tuple[str, str, str]]:
    """(curl, what becomes of it before, and after) of each change."""
    data = comparison_data(compare(old, new))
    assert not data["undecided"]
    return [(one["request"]["curl"], one["old"]["outcome"], one["new"]["outcome"]) for one in data["changes"]]


def test_the_same_is_the_same() -> None:
    assert compare(served(listener()), served(listener(), generation=7)).same


def test_another_name_of_the_listener_is_nothing() -> None:
    assert compare(served(listener("web")), served(listener("other"))).same


def test_a_port_that_opens_and_one_that_closes() -> None:
    assert said(served(listener(port=80)), served(listener(port=81))) == [
        ("curl http://any.example/", "listener", "nothing listens"),
        ("curl http://any.example:81/", "nothing listens", "listener"),
    ]


def test_a_port_that_speaks_tls_now() -> None:
    old, new = listener(port=443), secure("web")
    assert [one[1:] for one in said(served(old), served(new))] == [
        ("listener", "nothing listens"),
        ("nothing listens", "listener"),
    ]


def test_a_gateway_that_moves_is_compared_at_its_new_address() -> None:
    old = served(listener(), address="192.0.2.1")
    new = served(listener(), address="192.0.2.2", answer=rule(filters=(Redirect(hostname="elsewhere"),)))
    assert said(old, new) == [
        ("curl --connect-to ::192.0.2.2: http://any.example/", "listener", "listener"),
        ("curl --connect-to ::192.0.2.2: http://any.example/", "rule", "rule"),
    ]


def test_a_bound_port_is_nobodys_business() -> None:
    """As with a Service before it, whose target port is another."""
    old = served(listener())
    assert compare(old, replace(old, binds=(Bind("", 20001, tuple(old.listeners)),))).same


def test_a_server_name_that_no_listener_takes_any_more() -> None:
    assert said(served(secure("web")), served(secure("web", b"a.example"))) == [
        ("curl https://any.example/", "rule", "closed"),
        ("curl -H 'host: any.example' https://a.example/", "listener", "not found"),
    ]


def test_a_listener_of_its_own_misdirects_requests_on_other_connections() -> None:
    old, new = served(secure("web")), served(secure("web"), secure("shop", b"shop.example"))
    assert said(old, new) == [("curl -H 'host: any.example' https://shop.example/", "listener", "misdirected")]


def test_how_clients_are_checked_is_part_of_the_answer() -> None:
    checked = secure("web", clients=ClientValidation(("b", "a")))
    assert said(served(secure("web")), served(checked)) == [("curl https://any.example/", "listener", "listener")]
    assert compare(served(checked), served(secure("web", clients=ClientValidation(("a", "b"))))).same
    lax = secure("web", clients=ClientValidation(("a", "b"), insecure_fallback=True))
    assert not compare(served(checked), served(lax)).same


def test_another_certificate_is_a_note() -> None:
    found = compare(served(secure("web")), served(listener("web", protocol="HTTPS", port=443, certificates=("d",))))
    assert found.same
    assert [note._asdict() for note in found.notes] == [{"listener": "default/gw/web", "text": "other certificates"}]


def test_what_trusted_proxies_have_to_say_first_is_a_note() -> None:
    old = served(listener())
    new = replace(old, binds=tuple(replace(bind, proxy_headers="required") for bind in old.binds))
    for before, after, text in ((old, new, "of mode Required"), (new, old, "not set any more")):
        found = compare(before, after)
        assert found.same
        assert [note._asdict() for note in found.notes] == [
            {"listener": "default/gw/web", "text": f"proxyProtocol is {text}"}
        ]
    assert compare(new, new).notes == ()


def test_tls_to_a_backend_is_part_of_the_answer() -> None:
    tls = UpstreamTLS("app.example")
    secured = served(
        listener(), upstreams={APP: Upstream(APP, tls=tls.digest)}, upstream_tls={tls.digest: tls}, generation=2
    )
    assert said(served(listener()), secured) == [("curl http://any.example/", "rule", "rule")]
    shown = served(
        listener(client_certificate="c"),
        upstreams={APP: Upstream(APP, tls=tls.digest)},
        upstream_tls={tls.digest: tls},
    )
    assert not compare(secured, shown).same, "endpoints are shown a certificate"
    assert compare(served(listener()), served(listener(client_certificate="c"))).same, "in clear text they are not"


SAME = [
    (rule(retry=Retry((503, 502))), rule(retry=Retry((502, 503)))),
    (rule(filters=(Fail("x"),), backends=()), rule(filters=(Fail("y"),), timeouts=Timeouts(1))),
    (rule(backends=()), rule(backends=(BackendRef("default/gone:80", 1, "", "BackendNotFound"),))),
    (rule(backends=(BackendRef(APP, 2, APP),)), rule(backends=(BackendRef(APP, 1, APP), BackendRef(APP, 5, APP)))),
    (rule(), rule(backends=(BackendRef(APP, 3, APP), BackendRef("default/off:80", 0, "")))),
]
OTHER = [
    (rule(), rule(timeouts=Timeouts(1))),
    (rule(timeouts=Timeouts(1)), rule(timeouts=Timeouts(2))),
    (rule(), rule(retry=Retry((503,)))),
    (rule(filters=(Fail("x", 500),)), rule(filters=(Fail("x", 503),))),
    (rule(), rule(backends=(BackendRef(APP, 3, APP), BackendRef("default/gone:80", 1, "")))),
]


def test_what_a_rule_does_counts_and_not_how_it_is_said() -> None:
    for one, other in SAME:
        assert compare(served(listener(), answer=one), served(listener(), answer=other)).same, (one, other)
    for one, other in OTHER:
        assert not compare(served(listener(), answer=one), served(listener(), answer=other)).same, (one, other)
