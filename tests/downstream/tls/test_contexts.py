"""Contexts: made once, forgotten with their certificate, made anew for new ticket keys."""

import ssl
from contextlib import suppress

import pytest

from proxy.downstream.tls.contexts import (
    CIPHERS,
    TICKET_KEY_LIFETIME,
    UNUSABLE_FOR,
    Contexts,
    server_context,
    validating_context,
)
from proxy.snapshot.certificate import Certificate, ClientValidation
from proxy.tls.engine import TLSFailure
from proxy.translate.graph.x509 import read_bundle
from tests.certificates import client_context, pair
from tests.clock import ManualTime

ONE, WILD = pair("one.example").certificate, pair("*.wild.example", "deep.wild.example").certificate
BOTH = {ONE.digest: ONE, WILD.digest: WILD}


def contexts(certificates: dict[str, Certificate] = BOTH) -> tuple[Contexts, ManualTime]:
    clock = ManualTime()
    made = Contexts(clock.clock)
    made.install(certificates, {})
    return made, clock


def test_a_context_is_made_once_and_again_when_its_ticket_keys_are_old() -> None:
    made, clock = contexts()
    first = made.choose([ONE.digest], b"")
    clock.now += TICKET_KEY_LIFETIME / 2
    assert made.choose([ONE.digest], b"") is first
    clock.now += TICKET_KEY_LIFETIME / 2
    assert made.choose([ONE.digest], b"") is not first


def test_a_context_does_not_keep_sessions_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.downstream.tls.contexts.MOST_SESSIONS", 2)
    made, _ = contexts()
    client = client_context(pair("one.example"))
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.options |= ssl.OP_NO_TICKET
    used = []
    for _ in range(7):
        used.append(made.choose([ONE.digest], b""))
        _whole_connection(client, used[-1])
    assert [used[i] is used[i - 1] for i in range(1, 7)] == [True, True, False, True, True, False]


def _whole_connection(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """From handshake to both ends' close_notify: only then is a session kept."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        client.wrap_bio(to_client, to_server, server_hostname="one.example"),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for step in (ssl.SSLObject.do_handshake,) * 3 + (ssl.SSLObject.unwrap,) * 2:
        for side in sides:
            with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                step(side)


def test_another_snapshot_keeps_what_it_still_has_and_forgets_the_rest() -> None:
    made, _ = contexts()
    first = made.choose([ONE.digest], b"")
    made.install({ONE.digest: ONE}, {})
    assert made.choose([ONE.digest], b"") is first
    made.install({WILD.digest: WILD}, {})
    with pytest.raises(TLSFailure, match="no_certificate"):
        made.choose([ONE.digest], b"")


@pytest.mark.parametrize(
    ("server_name", "chosen"),
    [
        (b"one.example", ONE),
        (b"a.wild.example", WILD),
        (b"deep.wild.example", WILD),
        (b"a.b.wild.example", ONE),  # a wildcard is one label, so nobody names it: the first
        (b"wild.example", ONE),
        (b"", ONE),
    ],
)
def test_the_first_that_names_the_server_else_the_first(server_name: bytes, chosen: Certificate) -> None:
    made, _ = contexts()
    keys = [ONE.digest, WILD.digest]
    assert made.choose(keys, server_name) is made.choose([chosen.digest], b"")


def test_a_listener_without_a_certificate_shakes_no_hands() -> None:
    with pytest.raises(TLSFailure, match="no certificate"):
        contexts()[0].choose([], b"a")


def test_what_the_library_does_not_take_is_a_failure_of_the_handshake_only() -> None:
    broken = Certificate(ONE.chain, WILD.key)
    with pytest.raises(TLSFailure, match="KEY_VALUES_MISMATCH"):
        contexts({"x": broken})[0].choose(["x"], b"")


def test_what_the_library_does_not_take_is_not_tried_for_each_client(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Certificate] = []

    def counting(certificate: Certificate, *, alpn: bool) -> ssl.SSLContext:
        tried.append(certificate)
        return server_context(certificate, alpn=alpn)

    monkeypatch.setattr("proxy.downstream.tls.contexts.server_context", counting)
    broken = {"x": Certificate(ONE.chain, WILD.key)}
    made, clock = contexts(broken)
    for _ in range(3):
        with pytest.raises(TLSFailure, match="KEY_VALUES_MISMATCH"):
            made.choose(["x"], b"")
    assert len(tried) == 1
    clock.now += UNUSABLE_FOR  # it may have been for want of files or memory
    with pytest.raises(TLSFailure):
        made.choose(["x"], b"")
    assert len(tried) == 2
    made.install(broken, {})
    with pytest.raises(TLSFailure):
        made.choose(["x"], b"")
    assert len(tried) == 3


def test_each_way_to_check_clients_has_a_context_of_its_own() -> None:
    """So tickets of one are worth nothing with another."""
    made = Contexts(ManualTime().clock)
    bundles = {item.digest: item for item in (read_bundle(pair(name).chain) for name in ("ca", "another"))}
    made.install(BOTH, bundles)
    first, second = bundles
    ways = [None, ClientValidation((first,)), ClientValidation((second,)), ClientValidation((first, second)),
            ClientValidation((first,), insecure_fallback=True)]  # fmt: skip
    chosen = [made.choose([ONE.digest], b"", way) for way in ways]
    assert len(set(map(id, chosen))) == len(ways)
    assert [made.choose([ONE.digest], b"", way) for way in ways] == chosen
    made.install(BOTH, {first: bundles[first]})
    assert made.choose([ONE.digest], b"", ways[1]) is chosen[1]
    with pytest.raises(TLSFailure, match="no_certificate"):
        made.choose([ONE.digest], b"", ways[3])


def test_how_clients_are_checked() -> None:
    context = validating_context(ONE, pair("ca").chain)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN
    assert context.num_tickets == 0
    assert len(context.get_ca_certs()) == 1  # none of the machine's


def test_an_encrypted_key_asks_nobody_for_a_passphrase() -> None:
    encrypted = pair("one.example", passphrase=b"secret")
    with pytest.raises(TLSFailure):
        contexts({"x": Certificate(*encrypted)})[0].choose(["x"], b"")


def test_what_is_spoken() -> None:
    context = server_context(ONE)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_NONE
    for option in (ssl.OP_NO_COMPRESSION, ssl.OP_NO_RENEGOTIATION):
        assert context.options & option
    older = [cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] == "TLSv1.2"]
    assert older == CIPHERS.split(":")
    assert all("Kx=ECDH" in cipher["description"] and "Mac=AEAD" in cipher["description"]
               for cipher in context.get_ciphers() if cipher["name"] in older)  # fmt: skip


def test_a_thousand_certificates_cost_nothing_until_they_are_asked_for() -> None:
    """None of these could be made: the first that is asked for says so."""
    many = {f"{number}": Certificate(b"chain", b"key") for number in range(1000)}
    made, _ = contexts(many)
    with pytest.raises(TLSFailure):
        made.choose(["999"], b"")
