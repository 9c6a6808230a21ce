"""What TLS decides before a request is read, told for people."""

from typing import Any

import pytest
from msgspec.structs import replace

from proxy.snapshot.certificate import ClientValidation
from proxy.snapshot.explain import explain_request
from proxy.snapshot.question import Asked
from proxy.snapshot.route import Entry, HostBucket, RouteMatch, Rule
from proxy.snapshot.snapshot import Bind, Listener, Snapshot

ONE = Listener("ns/web", "one", "HTTPS", b"one.example", 443, ("x",))
WILD = Listener("ns/web", "wild", "HTTPS", b"*.other.example", 443, ("x",))
ELSEWHERE = Listener("ns/far", "any", "HTTPS", b"far.example", 443, ("x",))
PLAIN = Listener("ns/web", "plain", "HTTP", b"", 80)
LISTENERS = {listener.key: listener for listener in (ONE, WILD, ELSEWHERE, PLAIN)}
BUCKET = HostBucket(b"", (Rule("ns/r", 0),), (Entry(RouteMatch(b"/"), 0, 0),))
SNAPSHOT = Snapshot(
    generation=1,
    binds=(
        Bind("192.0.2.1", 443, (ONE.key, WILD.key)),
        Bind("192.0.2.2", 443, (ELSEWHERE.key,)),
        Bind("", 80, (PLAIN.key,)),
    ),
    listeners=LISTENERS,
    buckets={(key, b""): BUCKET for key in LISTENERS},
    upstreams={},
)


def told(url: str, host: str = "") -> dict[str, Any]:
    return explain_request(SNAPSHOT, Asked("GET", url, (("Host", host),) if host else ()))


@pytest.mark.parametrize(
    ("url", "listener"),
    [
        ("https://one.example/", "ns/web/one"),
        ("https://ONE.example./", "ns/web/one"),
        ("https://a.other.example:443/", "ns/web/wild"),
        ("https://far.example/", "ns/far/any"),
    ],
)
def test_the_server_name_chooses_the_listener(url: str, listener: str) -> None:
    answer = told(url)
    assert answer["tls"]["listener"] == answer["listener"] == listener
    assert answer["winner"]["route"] == "ns/r"


@pytest.mark.parametrize(
    ("url", "host", "why"),
    [
        ("https://one.example/", "a.other.example", "421: host a.other.example belongs to listener ns/web/wild"),
        ("https://nobody.example/", "", "no listener takes a server name nobody.example: the connection is closed"),
        ("https://192.0.2.1/", "one.example", "no listener takes a connection without a server name"),
        ("https://[2001:db8::1]:443/", "", "no listener takes a connection without a server name"),
        ("http://one.example:443/", "", "port 443 speaks TLS; ask for https://"),
        ("https://one.example:80/", "", "port 80 speaks clear text; ask for http://"),
    ],
)
def test_what_is_refused_before_any_rule_is_asked(url: str, host: str, why: str) -> None:
    answer = told(url, host)
    assert why in answer["refused"]
    assert answer["winner"] is None


def test_clear_text_has_no_tls() -> None:
    assert told("http://one.example/")["tls"] is None


@pytest.mark.parametrize(
    ("clients", "mode"),
    [
        (None, None),
        (ClientValidation(("b",)), "AllowValidOnly"),
        (ClientValidation(("b",), insecure_fallback=True), "AllowInsecureFallback"),
    ],
)
def test_how_clients_are_checked(clients: ClientValidation | None, mode: str | None) -> None:
    snapshot = replace(SNAPSHOT, listeners={**LISTENERS, ONE.key: replace(ONE, clients=clients)})
    assert explain_request(snapshot, Asked("GET", "https://one.example/"))["tls"]["clients"] == mode
