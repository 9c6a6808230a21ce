"""Who the client is, and what the endpoint is told of the way: one table per kind of peer."""

import pytest

from proxy.errors import LoopDetected
from proxy.protocol.forwarding import ForwardingRules
from proxy.protocol.message import Headers, Request

RULES = ForwardingRules(("10.0.0.0/8", "2001:db8::/32"), b"here")
UNTRUSTED, TRUSTED, TRUSTED_6 = "203.0.113.9", "10.1.2.3", "2001:db8::7"


def signed(
    peer: str, hops: Headers, *, version: int = 11, host: bytes = b"a.example"
) -> tuple[str, dict[bytes, bytes]]:
    """(client address, fields the endpoint gets); a field that stands twice is an error."""
    request = Request()
    request.version = version
    request.headers = [(b"host", host)] if host else []
    request.hops = hops
    address, request_id = RULES.sign(request, RULES.client(peer, "http", 80))
    fields = dict(request.headers)
    assert len(fields) == len(request.headers), request.headers
    assert fields[b"x-request-id"] == request_id
    fields.pop(b"host", None)
    return address, fields


def way(peer: str, hops: Headers) -> tuple[str, dict[bytes, bytes]]:
    address, fields = signed(peer, hops)
    fields.pop(b"x-request-id")
    fields.pop(b"via")
    return address, fields


def test_a_plain_request_is_told_everything_once() -> None:
    assert way(UNTRUSTED, []) == (
        UNTRUSTED,
        {
            b"x-forwarded-for": b"203.0.113.9",
            b"x-forwarded-proto": b"http",
            b"x-forwarded-port": b"80",
            b"x-forwarded-host": b"a.example",
            b"x-real-ip": b"203.0.113.9",
        },
    )


LIES: Headers = [
    (b"x-forwarded-for", b"1.2.3.4"),
    (b"x-forwarded-for", b"5.6.7.8"),
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-host", b"evil"),
    (b"x-forwarded-port", b"443"),
    (b"x-forwarded-prefix", b"/evil"),
    (b"x-real-ip", b"1.2.3.4"),
]


@pytest.mark.parametrize("peer", [UNTRUSTED, "192.168.0.1", "::1", "2001:db9::1"])
def test_what_an_untrusted_peer_says_is_replaced(peer: str) -> None:
    address, fields = way(peer, LIES)
    assert address == peer
    assert fields == {
        b"x-forwarded-for": peer.encode(),
        b"x-forwarded-proto": b"http",
        b"x-forwarded-port": b"80",
        b"x-forwarded-host": b"a.example",
        b"x-real-ip": peer.encode(),
    }


@pytest.mark.parametrize(("peer", "node"), [(UNTRUSTED, b"203.0.113.9"), ("2001:db9::1", b'"[2001:db9::1]"')])
def test_forwarded_of_an_untrusted_peer_is_replaced(peer: str, node: bytes) -> None:
    _, fields = way(peer, [(b"forwarded", b"for=1.2.3.4;proto=https")])
    assert fields[b"forwarded"] == b"for=" + node + b";proto=http"


CHAINS: list[tuple[str, bytes, str, bytes]] = [
    # peer, X-Forwarded-For, client, X-Forwarded-For to the endpoint
    (TRUSTED, b"1.2.3.4", "1.2.3.4", b"1.2.3.4, 10.1.2.3"),
    (TRUSTED, b"9.9.9.9, 1.2.3.4, 10.9.9.9", "1.2.3.4", b"9.9.9.9, 1.2.3.4, 10.9.9.9, 10.1.2.3"),
    (TRUSTED, b"10.0.0.1, 10.0.0.2", "10.0.0.1", b"10.0.0.1, 10.0.0.2, 10.1.2.3"),
    (TRUSTED, b"1.2.3.4:5678", "1.2.3.4", b"1.2.3.4:5678, 10.1.2.3"),
    (TRUSTED, b"[2001:db9::1]:443", "2001:db9::1", b"[2001:db9::1]:443, 10.1.2.3"),
    (TRUSTED, b"2001:db9::1", "2001:db9::1", b"2001:db9::1, 10.1.2.3"),
    (TRUSTED, b"::ffff:1.2.3.4", "1.2.3.4", b"::ffff:1.2.3.4, 10.1.2.3"),
    (TRUSTED_6, b"1.2.3.4", "1.2.3.4", b"1.2.3.4, 2001:db8::7"),
    (TRUSTED, b"unknown", TRUSTED, b"unknown, 10.1.2.3"),
    (TRUSTED, b"6.6.6.6, unknown, 10.0.0.2", "10.0.0.2", b"6.6.6.6, unknown, 10.0.0.2, 10.1.2.3"),
    ("::ffff:10.1.2.3", b"1.2.3.4", "1.2.3.4", b"1.2.3.4, 10.1.2.3"),
]


@pytest.mark.parametrize(("peer", "received", "client", "sent"), CHAINS)
def test_the_rightmost_untrusted_entry_is_the_client(peer: str, received: bytes, client: str, sent: bytes) -> None:
    address, fields = way(peer, [(b"x-forwarded-for", received)])
    assert (address, fields[b"x-forwarded-for"]) == (client, sent)
    assert fields[b"x-real-ip"] == client.encode()


def test_a_chain_in_several_fields_is_one_chain() -> None:
    address, fields = way(TRUSTED, [(b"x-forwarded-for", b"1.2.3.4"), (b"x-forwarded-for", b"10.0.0.2")])
    assert (address, fields[b"x-forwarded-for"]) == ("1.2.3.4", b"1.2.3.4, 10.0.0.2, 10.1.2.3")


@pytest.mark.parametrize(
    ("received", "client"),
    [
        (b"for=1.2.3.4", "1.2.3.4"),
        (b'For="[2001:db9::1]:80";proto=https', "2001:db9::1"),
        (b"for=6.6.6.6, for=1.2.3.4, for=10.0.0.2", "1.2.3.4"),
        (b"proto=https;for=1.2.3.4;by=_x", "1.2.3.4"),
    ],
)
def test_forwarded_names_the_client_too(received: bytes, client: str) -> None:
    address, fields = way(TRUSTED, [(b"forwarded", received)])
    assert address == client
    assert fields[b"forwarded"] == received + b", for=10.1.2.3;proto=http"


def test_a_trusted_peer_keeps_its_word_on_scheme_host_and_port() -> None:
    said: Headers = [
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"b.example"),
        (b"x-forwarded-port", b"443"),
    ]
    _, fields = way(TRUSTED, said)
    assert {name: fields[name] for name, _ in said} == dict(said)


def test_a_trusted_peer_that_says_nothing_is_the_client() -> None:
    address, fields = way(TRUSTED, [])
    assert (address, fields[b"x-forwarded-for"]) == (TRUSTED, TRUSTED.encode())


def test_a_socket_without_an_address_is_nobody_to_trust() -> None:
    address, fields = way("", [(b"x-forwarded-for", b"1.2.3.4")])
    assert (address, fields[b"x-real-ip"]) == ("", b"")


# --- Via and x-request-id ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "received", "sent"),
    [
        (11, [], b"1.1 here"),
        (10, [], b"1.0 here"),
        (11, [b"1.0 fred"], b"1.0 fred, 1.1 here"),
        (11, [b"1.0 fred", b"1.1 there, 2 else"], b"1.0 fred, 1.1 there, 2 else, 1.1 here"),
        (11, [b"1.1 there-not-here-either.example"], b"1.1 there-not-here-either.example, 1.1 here"),
        (11, [b"1.1 fred (where)"], b"1.1 fred (where), 1.1 here"),
    ],
)
def test_via(version: int, received: list[bytes], sent: bytes) -> None:
    _, fields = signed(UNTRUSTED, [(b"via", value) for value in received], version=version)
    assert fields[b"via"] == sent


@pytest.mark.parametrize(
    "received", [[b"1.1 here"], [b"1.0 fred, 1.1 here"], [b"1.1 here, 1.1 b"], [b"1.0 a", b"HTTP/1.1 here (x)"]]
)
def test_a_loop_is_seen(received: list[bytes]) -> None:
    with pytest.raises(LoopDetected) as loop:
        signed(UNTRUSTED, [(b"via", value) for value in received])
    assert loop.value.status == 508


@pytest.mark.parametrize("received", [b"a", b"abc-DEF_0.9~", b"x" * 128, b"8f14e45f-ceea-467f-a8d6-5a4b6c7d8e9f"])
@pytest.mark.parametrize("peer", [UNTRUSTED, TRUSTED])
def test_a_sound_request_id_is_kept(received: bytes, peer: str) -> None:
    assert signed(peer, [(b"x-request-id", received)])[1][b"x-request-id"] == received


@pytest.mark.parametrize(
    "received", [[b""], [b"x" * 129], [b"a b"], [b"a,b"], [b"a\xff"], [b'"a"'], [b"a", b"b"], [b"a", b"a"]]
)
def test_any_other_request_id_is_replaced(received: list[bytes]) -> None:
    fields = signed(UNTRUSTED, [(b"x-request-id", value) for value in received])[1]
    assert fields[b"x-request-id"] not in received
    assert len(fields[b"x-request-id"]) == 32


def test_request_ids_differ() -> None:
    assert len({signed(UNTRUSTED, [])[1][b"x-request-id"] for _ in range(100)}) == 100


def test_a_request_without_host_gets_no_forwarded_host() -> None:
    assert b"x-forwarded-host" not in signed(UNTRUSTED, [], version=10, host=b"")[1]
    assert b"x-forwarded-host" not in signed(UNTRUSTED, LIES, version=10, host=b"")[1]


def test_what_is_known_of_a_peer_is_kept_for_each_way_it_comes_by() -> None:
    ways = [("http", 80), ("http", 8080), ("https", 443)]
    clients = [RULES.client(TRUSTED, *way) for way in ways]
    assert [(client.scheme, client.port) for client in clients] == ways
    assert all(RULES.client(TRUSTED, *way) is client for way, client in zip(ways, clients, strict=True))


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("192.0.2.1", False), ("fd00::1%eth0", True), ("", False)],
)
def test_a_peer_is_one_of_the_trusted_proxies_or_not(peer: str, trusted: bool) -> None:
    rules = ForwardingRules(("10.0.0.0/8", "fd00::/8"), b"here")
    assert rules.trusts(peer) is rules.client(peer, "http", 80).trusted is trusted
