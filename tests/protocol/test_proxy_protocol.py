"""Headers of the PROXY protocol: what real proxies send, whole, cut and damaged, held against a literal oracle."""

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.crc32c import crc32c
from proxy.protocol.proxy_protocol import (
    MAX_LENGTH,
    MAX_LINE,
    SIGNATURE,
    Addresses,
    Header,
    MalformedHeader,
    NoHeader,
    Version,
    encode_header,
    parse_header,
)
from tests.oracle import proxy_protocol as oracle

FOUR = Addresses(("192.168.0.1", 56324), ("192.168.0.11", 443))
SIX = Addresses(("2001:db8::1", 1), ("2001:db8::2", 65535))


def binary(command: int, family: int, body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return SIGNATURE + bytes((0x20 | command, family)) + size.to_bytes(2, "big") + body


def tlv(kind: int, value: bytes) -> bytes:
    return bytes((kind,)) + len(value).to_bytes(2, "big") + value


IN4 = bytes((192, 168, 0, 1, 192, 168, 0, 11)) + struct.pack("!HH", 56324, 443)
IN6 = b"".join(ip_address(end[0]).packed for end in SIX) + struct.pack("!HH", 1, 65535)
UNIX = b"/run/a".ljust(108, b"\0") + b"/run/b".ljust(108, b"\0")

LOCALHOST = "127.0.0.1"
BY_HAPROXY = {
    b"PROXY TCP4 127.0.0.1 127.0.0.1 47012 48355\r\n": Addresses((LOCALHOST, 47012), (LOCALHOST, 48355)),
    b"PROXY TCP6 ::1 ::1 33704 42919\r\n": Addresses(("::1", 33704), ("::1", 42919)),
    bytes.fromhex("0d0a0d0a000d0a515549540a2111000c7f0000017f000001e70283ff"): Addresses(
        (LOCALHOST, 59138), (LOCALHOST, 33791)
    ),
    bytes.fromhex(
        "0d0a0d0a000d0a515549540a2111001c7f0000017f000001d0f0c2f3"
        "030004f44155a2"  # PP2_TYPE_CRC32C
        "050006353836372d30"  # PP2_TYPE_UNIQUE_ID
    ): Addresses((LOCALHOST, 53488), (LOCALHOST, 49907)),
    bytes.fromhex(
        "0d0a0d0a000d0a515549540a2121002b"
        "0000000000000000000000000000000100000000000000000000000000000001d49ac701"
        "030004bb4db006"
    ): Addresses(("::1", 54426), ("::1", 50945)),
}
"""As HAProxy 2.6.12 has sent them, with send-proxy and send-proxy-v2."""

VALID = {
    **BY_HAPROXY,
    b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n": FOUR,  # the specification's example
    b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n": Addresses(
        ("255.255.255.255", 65535), ("255.255.255.255", 65535)
    ),
    b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n": Addresses(("0.0.0.0", 0), ("0.0.0.0", 0)),
    b"PROXY TCP6 2001:DB8::1 2001:db8:0:0:0:0:0:2 1 65535\r\n": SIX,
    b"PROXY TCP6 ::ffff:192.0.2.1 :: 1 2\r\n": Addresses(("::ffff:192.0.2.1", 1), ("::", 2)),
    b"PROXY UNKNOWN\r\n": None,
    b"PROXY UNKNOWN %b %b 65535 65535\r\n" % ((b":".join([b"ffff"] * 8),) * 2): None,  # the longest there can be
    b"PROXY UNKNOWN \0\xff whatever \r\n": None,
    binary(1, 0x11, IN4): FOUR,
    binary(1, 0x21, IN6): SIX,
    binary(1, 0x11, IN4 + tlv(4, b"\0" * 20) + tlv(1, b"h2") + tlv(0xE5, b"")): FOUR,
    binary(1, 0x11, IN4 + tlv(4, b"\0" * (MAX_LENGTH - len(IN4) - 3))): FOUR,
    binary(1, 0x31, UNIX): None,
    binary(1, 0x32, UNIX + tlv(5, b"id")): None,
    binary(1, 0x12, IN4): None,
    binary(1, 0x22, IN6): None,
    binary(1, 0x00, b""): None,
    binary(1, 0x00, b"what stands here is to be ignored"): None,
    binary(1, 0x10, b"and here"): None,
    binary(0, 0x00, b""): None,
    binary(0, 0x11, IN4): None,
    binary(0, 0xFF, b"a family that is ignored"): None,
}

NO_HEADER = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01",
    b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1",
    b"PROXY\r\n",
    b"PROXYTCP4",
    b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
    b"\0",
]

MALFORMED = [
    # version 1
    b"PROXY \r\n",
    b"PROXY TCP4\r\n",
    b"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY UNKNOWNS\r\n",
    b"PROXY unknown\r\n",
    b"PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
    b"PROXY\tTCP4 1.2.3.4 1.2.3.4 1 2\r\n".replace(b"\t", b" \t"),
    b"PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
    b"PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n",
    b"PROXY TCP4 ::1 1.2.3.4 1 2\r\n",
    b"PROXY TCP4 1.2.3.4 \xd9\xa1.2.3.4 1 2\r\n",
    b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
    b"PROXY TCP6 ::1::2 ::1 1 2\r\n",
    b"PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n",
    b"PROXY TCP6 [::1] ::1 1 2\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 \xd9\xa1\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rGET",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r\n",
    b"PROXY UNKNOWN \n \r\n",
    b"PROXY UNKNOWN \r \r\n",
    # version 2
    SIGNATURE + b"\x11",
    SIGNATURE + b"\x31",
    SIGNATURE + b"\x22",
    SIGNATURE + b"\x21\x41",
    SIGNATURE + b"\x21\x13",
    binary(1, 0x11, IN4[:-1]),
    binary(1, 0x21, IN4),
    binary(1, 0x31, UNIX[:-1]),
    binary(1, 0x11, IN4 + b"\4"),
    binary(1, 0x11, IN4 + b"\4\0"),
    binary(1, 0x11, IN4 + tlv(4, b"abc")[:-1]),
    binary(1, 0x11, IN4 + tlv(4, b"abc") + b"\0"),
    binary(1, 0x11, IN4 + tlv(3, b"abc")),
    binary(1, 0x11, IN4 + tlv(3, b"abcd") * 2),
]

REFUSED = {
    **dict.fromkeys(MALFORMED, "malformed"),
    b"PROXY UNKNOWN ".ljust(MAX_LINE - 1, b"x") + b"\r\n": "too_long",
    b"PROXY UNKNOWN ".ljust(MAX_LINE, b"x"): "too_long",
    binary(1, 0x11, b"", MAX_LENGTH + 1): "too_long",
    binary(0, 0x00, b"", 0xFFFF): "too_long",
    binary(1, 0x11, IN4 + tlv(3, b"\0\0\0\0")): "bad_checksum",
}

headers = st.sampled_from(list(VALID))
ports = st.integers(0, 65535)


# --- reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("octets", "said"), VALID.items())
def test_a_header_is_read_and_what_follows_is_left(octets: bytes, said: Addresses | None) -> None:
    assert parse_header(octets) == parse_header(octets + b"\r\n\0PROXY ") == Header(len(octets), said)


@pytest.mark.parametrize("octets", VALID)
def test_more_is_needed_as_long_as_it_is_not_whole(octets: bytes) -> None:
    for size in range(len(octets)):
        need = parse_header(octets[:size])
        assert isinstance(need, int) and size < need <= len(octets)


def test_the_length_of_version_2_says_at_once_how_much_is_needed() -> None:
    assert parse_header(binary(1, 0x11, b"", 100)) == 116


@pytest.mark.parametrize("octets", NO_HEADER)
def test_what_begins_otherwise_is_told_by_the_first_octet_that_differs(octets: bytes) -> None:
    with pytest.raises(NoHeader):
        parse_header(octets)
    matching = max(_common(octets, b"PROXY "), _common(octets, SIGNATURE))
    assert parse_header(octets[:matching]) == matching + 1
    with pytest.raises(NoHeader):
        parse_header(octets[: matching + 1])


def _common(one: bytes, other: bytes) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


@pytest.mark.parametrize(("octets", "reason"), REFUSED.items())
def test_what_is_nearly_a_header_is_refused(octets: bytes, reason: str) -> None:
    with pytest.raises(MalformedHeader) as caught:
        parse_header(octets)
    assert caught.value.reason == reason


def test_a_checksum_is_that_of_the_whole_header_without_itself() -> None:
    """Each octet counts, those behind the checksum included."""
    bare = binary(1, 0x11, IN4 + tlv(4, b"ab") + tlv(3, bytes(4)) + tlv(4, b"cd"))
    at = bare.index(tlv(3, bytes(4))) + 3
    whole = bare[:at] + oracle.checksum(bare) + bare[at + 4 :]
    assert parse_header(whole) == Header(len(whole), FOUR)
    for i in (*range(16, 28), *range(31, 33), *range(at, at + 4), *range(at + 7, len(whole))):
        with pytest.raises(MalformedHeader, match="checksum"):
            parse_header(whole[:i] + bytes((whole[i] ^ 1,)) + whole[i + 1 :])


def test_the_checksum_is_that_of_the_standard() -> None:
    """RFC 3720 section B.4, and the usual check value."""
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes(range(32))) == 0x46DD794E


@given(st.binary(max_size=64))
def test_the_checksum_is_that_of_the_oracle(data: bytes) -> None:
    assert crc32c(data).to_bytes(4, "big") == oracle.checksum(data)


# --- against the oracle -----------------------------------------------------------------------


def outcome(data: bytes) -> Header | int | str:
    """One of three: a header, how much is needed, or why it is none."""
    try:
        return parse_header(data)
    except NoHeader:
        return "no header"
    except MalformedHeader as error:
        assert error.reason in {"malformed", "too_long", "bad_checksum"}
        return error.reason


def agrees(data: bytes) -> None:
    """A header exactly where the oracle reads one; and what was asked for more of is none yet."""
    read, said = outcome(data), oracle.read(data, MAX_LENGTH)
    if said is None:
        assert not isinstance(read, Header), (read, data)
        assert not isinstance(read, int) or len(data) < read <= 16 + MAX_LENGTH
        return
    assert isinstance(read, Header), (read, said, data)
    assert (read.size, packed(read.addresses)) == said


def packed(said: Addresses | None) -> oracle.Ends | None:
    if said is None:
        return None
    (source, source_port), (destination, destination_port) = said
    return oracle.Ends(ip_address(source).packed, source_port, ip_address(destination).packed, destination_port)


@pytest.mark.parametrize("octets", [*VALID, *REFUSED, *NO_HEADER])
def test_the_oracle_reads_the_same(octets: bytes) -> None:
    agrees(octets)


@given(headers, st.data())
def test_damaged_headers_are_read_as_the_oracle_reads_them(octets: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(octets)))
    cut = data.draw(st.integers(0, 4))
    put = data.draw(
        st.binary(max_size=4) | st.sampled_from([b" ", b"\r\n", b"\r", b"\n", b":", b"::", b".", b"0", b"%"])
    )
    agrees(octets[:at] + put + octets[at + cut :])


@given(st.sampled_from([b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 ", SIGNATURE, SIGNATURE + b"\x21\x11\0"]), st.binary())
def test_anything_behind_a_beginning_is_read_as_the_oracle_reads_it(begin: bytes, rest: bytes) -> None:
    agrees(begin + rest)


line_words = st.sampled_from(
    [b"TCP4", b"TCP6", b"UNKNOWN", b"1.2.3.4", b"::1", b"1::", b"80", b"0", b"65535", b"65536"]
)


@given(st.lists(line_words, max_size=7), st.sampled_from([b"\r\n", b"\n", b"\r", b""]))
def test_lines_of_words_are_read_as_the_oracle_reads_them(words: list[bytes], end: bytes) -> None:
    agrees(b" ".join([b"PROXY", *words]) + end)


# --- writing ----------------------------------------------------------------------------------

MAPPED = b"0000:0000:0000:0000:0000:ffff:0102:0304"
WRITTEN: list[tuple[Version, Addresses | None, bytes]] = [
    ("v1", FOUR, b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"),
    ("v1", SIX, b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"),
    ("v2", FOUR, binary(1, 0x11, IN4)),
    ("v2", SIX, binary(1, 0x21, IN6)),
    ("v1", None, b"PROXY UNKNOWN\r\n"),
    ("v2", None, binary(1, 0x00, b"")),
    ("v1", Addresses(FOUR.source, SIX.destination), b"PROXY UNKNOWN\r\n"),
    ("v2", Addresses(SIX.source, FOUR.destination), binary(1, 0x00, b"")),
    ("v2", Addresses(("/run/socket", 0), FOUR.destination), binary(1, 0x00, b"")),
    ("v1", Addresses(("::ffff:1.2.3.4", 1), ("::", 2)), b"PROXY TCP6 %b :: 1 2\r\n" % MAPPED),
    ("v1", Addresses(("fe80::1%eth0", 1), ("fe80::2", 2)), b"PROXY TCP6 fe80::1 fe80::2 1 2\r\n"),
]


@pytest.mark.parametrize(("version", "said", "octets"), WRITTEN)
def test_what_is_written_is_what_the_specification_has(version: Version, said: Addresses, octets: bytes) -> None:
    assert encode_header(version, said) == octets


pairs = st.one_of(*(st.tuples(st.ip_addresses(v=v), st.ip_addresses(v=v)) for v in (4, 6)))


@given(st.sampled_from(["v1", "v2"]), pairs, ports, ports)
def test_what_is_written_is_read_again(version: Version, ends: tuple[object, object], one: int, other: int) -> None:
    octets = encode_header(version, Addresses((str(ends[0]), one), (str(ends[1]), other)))
    assert len(octets) <= MAX_LINE
    said = oracle.read(octets, MAX_LENGTH)
    assert said is not None and said.ends is not None and said.size == len(octets)
    assert (oracle.shown(said.ends.source), said.ends.source_port) == (
        oracle.shown(ip_address(str(ends[0])).packed),
        one,
    )
    read = parse_header(octets)
    assert isinstance(read, Header) and packed(read.addresses) == said.ends
    assert read.addresses is not None and encode_header(version, read.addresses) == octets
