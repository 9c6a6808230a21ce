"""ClientHellos of real clients, whole, cut, re-cut and damaged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.tls.client_hello import (
    MAX_HELLO,
    MAX_RECORD,
    MAX_RECORDS,
    ClientHello,
    HelloReader,
    MalformedHello,
    NotTLS,
    parse_client_hello,
)
from tests.protocol.tls.hellos import HELLOS

TLS_1_2, TLS_1_3 = 0x0303, 0x0304
hellos = st.sampled_from(list(HELLOS.values()))


def record(data: bytes, kind: int = 22) -> bytes:
    return bytes([kind, 3, 1]) + len(data).to_bytes(2, "big") + data


def message_of(octets: bytes) -> bytes:
    """The handshake message that lies in records."""
    message = b""
    while octets:
        end = 5 + int.from_bytes(octets[3:5], "big")
        message, octets = message + octets[5:end], octets[end:]
    return message


def vector(data: bytes, size: int = 2) -> bytes:
    return len(data).to_bytes(size, "big") + data


def extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + vector(data)


def hello(*extensions: bytes, behind: bytes = b"") -> bytes:
    """One in a record, made by hand."""
    return record(hello_message(*extensions, behind=behind))


def hello_message(*extensions: bytes, behind: bytes = b"") -> bytes:
    body = b"\x03\x03" + bytes(32) + vector(b"", 1) + vector(b"\x13\x01") + vector(b"\0", 1)
    body += vector(b"".join(extensions)) + behind
    return b"\x01" + vector(body, 3)


def server_name(name: bytes) -> bytes:
    return extension(0, vector(b"\0" + vector(name)))


# --- real ones --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "name", "alpn", "versions"),
    [
        ("openssl-1.3", b"one.example", (b"h2", b"http/1.1"), (TLS_1_3, TLS_1_2)),
        ("openssl-1.2-without-a-name", b"", (), (TLS_1_2,)),
        ("openssl-in-records-of-512", b"one.example", tuple(b"proto-%03d" % i for i in range(60)), (TLS_1_3, TLS_1_2)),
        ("curl", b"one.example", (b"h2", b"http/1.1"), (TLS_1_3, TLS_1_2)),
        ("python", b"one.example", (b"http/1.1",), (TLS_1_3, TLS_1_2)),
        ("go", b"one.example", (b"h2", b"http/1.1"), (TLS_1_3, TLS_1_2)),
    ],
)
def test_what_real_clients_say(client: str, name: bytes, alpn: tuple[bytes, ...], versions: tuple[int, ...]) -> None:
    said = parse_client_hello(HELLOS[client])
    assert isinstance(said, ClientHello)
    assert (said.server_name, said.alpn) == (name, alpn)
    assert said.versions[:2] == versions


@pytest.mark.parametrize("octets", HELLOS.values(), ids=HELLOS.keys())
def test_every_prefix_asks_for_more_and_never_for_more_than_there_is(octets: bytes) -> None:
    for length in range(len(octets)):
        wanted = parse_client_hello(octets[:length])
        assert isinstance(wanted, int)
        assert length < wanted <= len(octets)


@given(hellos, st.lists(st.integers(1, 1000), min_size=1, max_size=8))
def test_records_cut_otherwise_say_the_same(octets: bytes, sizes: list[int]) -> None:
    message = message_of(octets)
    pieces = []
    for size in sizes:
        pieces.append(message[:size])
        message = message[size:]
    again = b"".join(record(piece) for piece in (*pieces, message) if piece)
    assert parse_client_hello(again) == parse_client_hello(octets)


@given(hellos, st.lists(st.integers(1, 600), min_size=1), st.binary(max_size=50))
def test_segments_cut_anywhere_say_the_same_and_nothing_is_lost(octets: bytes, sizes: list[int], behind: bytes) -> None:
    reader = HelloReader()
    assert not reader.begun
    rest, said = octets + behind, None
    for size in [*sizes, len(rest)]:
        piece, rest = rest[:size], rest[size:]
        said = said or reader.feed(piece)
        if said is not None:
            break
    assert said == parse_client_hello(octets)
    assert reader.begun
    assert (octets + behind).startswith(reader.octets) and reader.octets.startswith(octets)


@given(hellos, st.data())
def test_damage_raises_nothing_else(octets: bytes, data: st.DataObject) -> None:
    damaged = bytearray(octets)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        match data.draw(st.sampled_from(["set", "cut", "insert"])):
            case "set":
                damaged[at] = data.draw(st.integers(0, 255))
            case "cut":
                del damaged[at : at + data.draw(st.integers(1, 8))]
            case _:
                damaged[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        if not damaged:
            return
    try:
        outcome = parse_client_hello(bytes(damaged))
    except (NotTLS, MalformedHello):
        return
    assert isinstance(outcome, ClientHello) or outcome > len(damaged)


@given(st.binary(max_size=200))
def test_anything_at_all_raises_nothing_else(octets: bytes) -> None:
    try:
        parse_client_hello(octets)
    except (NotTLS, MalformedHello):
        pass


# --- what is none -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "octets",
    [b"G", b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0", b"\x80\x2e\x01", b"\x15\x03\x01\x00\x02", b"\x16\x02"],
)
def test_what_is_not_tls_is_known_by_its_first_octets(octets: bytes) -> None:
    with pytest.raises(NotTLS):
        parse_client_hello(octets)


GOOD = hello(server_name(b"a.example"))

MALFORMED = {
    "an empty record": record(b""),
    "a record that is too long": b"\x16\x03\x01" + (MAX_RECORD + 1).to_bytes(2, "big"),
    "another message": record(b"\x02\0\0\0"),
    "a hello that is too long": record(b"\x01" + (MAX_HELLO + 1).to_bytes(3, "big")),
    "another record within": record(message_of(GOOD)[:20]) + record(b"\x01\x00", kind=21),
    "octets behind its end": hello(server_name(b"a"), behind=b"x"),
    "nothing in it": record(b"\x01\0\0\0"),
    "an extension twice": hello(server_name(b"a"), server_name(b"b")),
    "an extension longer than all": hello(b"\0\0\xff\xff"),
    "an empty server name": hello(server_name(b"")),
    "a server name with a NUL": hello(server_name(b"a\0b")),
    "a server name beyond ASCII": hello(server_name("ä".encode())),
    "two server names": hello(extension(0, vector((b"\0" + vector(b"a")) * 2))),
    "no server name in the list": hello(extension(0, vector(b"\x07" + vector(b"a")))),
    "octets behind the server names": hello(extension(0, vector(b"\0" + vector(b"a")) + b"x")),
    "an empty application protocol": hello(extension(16, vector(vector(b"", 1)))),
    "no application protocol": hello(extension(16, vector(b""))),
    "half a version": hello(extension(43, vector(b"\x03", 1))),
}


@pytest.mark.parametrize("octets", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedHello):
        parse_client_hello(octets)


def test_a_hello_over_many_records_is_read_up_to_a_limit() -> None:
    message = message_of(GOOD)
    most = [message[at : at + 1] for at in range(MAX_RECORDS - 1)] + [message[MAX_RECORDS - 1 :]]
    assert parse_client_hello(b"".join(map(record, most))) == parse_client_hello(GOOD)
    more = [message[at : at + 1] for at in range(MAX_RECORDS)] + [message[MAX_RECORDS:]]
    with pytest.raises(MalformedHello, match="32 records"):
        parse_client_hello(b"".join(map(record, more)))


def test_the_longest_hello_is_read() -> None:
    padding = MAX_HELLO + 4 - len(hello_message(extension(21, b"")))
    message = hello_message(extension(21, bytes(padding)))
    assert len(message) == MAX_HELLO + 4
    pieces = [message[at : at + MAX_RECORD] for at in range(0, len(message), MAX_RECORD)]
    assert isinstance(parse_client_hello(b"".join(map(record, pieces))), ClientHello)


# --- what is not its business -----------------------------------------------------------------


def test_names_are_lower_case_and_without_the_final_dot() -> None:
    said = parse_client_hello(hello(server_name(b"A.Example.")))
    assert isinstance(said, ClientHello) and said.server_name == b"a.example"


def test_what_is_unknown_is_passed_over() -> None:
    """GREASE (RFC 8701): values that mean nothing, to see whether they are borne."""
    grease = extension(0x0A0A, b"")
    versions = extension(43, vector(b"\x2a\x2a\x03\x04", 1))
    alpn = extension(16, vector(vector(b"\x8a\x8a", 1) + vector(b"h2", 1)))
    said = parse_client_hello(hello(grease, versions, alpn, extension(0x1A1A, b"\0")))
    assert said == ClientHello(b"", (b"\x8a\x8a", b"h2"), (0x2A2A, TLS_1_3))


def test_a_hello_without_extensions_is_one() -> None:
    body = b"\x03\x02" + bytes(32) + vector(b"", 1) + vector(b"\x00\x2f") + vector(b"\0", 1)
    assert parse_client_hello(record(b"\x01" + vector(body, 3))) == ClientHello(b"", (), (0x0302,))


def test_octet_by_octet_costs_two_looks_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    look = parse_client_hello
    monkeypatch.setattr(
        "proxy.protocol.tls.client_hello.parse_client_hello", lambda data: looks.append(1) or look(data)
    )
    reader = HelloReader()
    said = None
    for octet in HELLOS["go"]:
        said = reader.feed(bytes([octet]))
    assert said is not None
    assert len(looks) <= 4
