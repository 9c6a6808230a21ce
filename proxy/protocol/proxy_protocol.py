"""The PROXY protocol: a header before all else on a connection, in which a proxy says whose connection it passes on.

Versions 1 and 2 as in HAProxy's doc/proxy-protocol.txt, read and written; "section" below is one of that. A header is
taken by its letter: who sends one that is nearly right may mean another address than we would read.
"""

import re
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal, NamedTuple

from proxy.protocol.crc32c import crc32c

Version = Literal["v1", "v2"]
Address = tuple[str, int]
"""IP literal, without brackets or zone, and port."""

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
"""How version 2 begins (section 2.2)."""
WORD = b"PROXY "
"""How version 1 begins (section 2.1)."""
MAX_LINE = 107
"""Octets of version 1, its CRLF included."""
MAX_LENGTH = 4096
"""Octets behind the 16 that version 2 begins with: addresses take 216 at most, the rest is for TLVs. Its length field
could say 65,535, all of which would have to be kept for anybody who begins a header."""

_FIXED = 16
_CRC32C = 3
_PORT = re.compile(rb"0|[1-9][0-9]{0,4}")
_SIZES = {0: 0, 1: 12, 2: 36, 3: 216}
"""Address family (UNSPEC, INET, INET6, UNIX) to octets of its addresses and ports."""
_STREAM, _MOST_TRANSPORT = 1, 2
_PACKED = {4: struct.Struct("!4s4sHH"), 6: struct.Struct("!16s16sHH")}


class NoHeader(ValueError):
    """The first octets are not those of a header."""


class MalformedHeader(ValueError):
    """It begins as a header and is none, or is longer than we read."""

    def __init__(self, reason: str, message: str) -> None:
        """`reason`: malformed, too_long or bad_checksum."""
        super().__init__(message)
        self.reason = reason


class Addresses(NamedTuple):
    """From where to where a client's connection goes."""

    source: Address
    destination: Address


class Header(NamedTuple):
    """What was read."""

    size: int
    """Octets."""
    addresses: Addresses | None
    """None where it names none for us (LOCAL, UNKNOWN, sockets that are not of TCP): those of the connection hold."""


# --- reading ----------------------------------------------------------------------------------


def parse_header(data: bytes) -> Header | int:
    """The header at the start of `data`, or how many octets there must be at least before it is worth asking again.

    Raises NoHeader with the first octet that none begins with, or MalformedHeader.
    """
    if data[:1] == WORD[:1]:
        return _parse_line(data) if _begins(data, WORD) else len(data) + 1
    return _parse_binary(data) if _begins(data, SIGNATURE) else len(data) + 1


def _begins(data: bytes, with_: bytes) -> bool:
    """Whether it does, False while it still may. Raises NoHeader."""
    if data[: len(with_)] != with_[: len(data)]:
        raise NoHeader("it does not begin with a header of the PROXY protocol")
    return len(data) >= len(with_)


def _parse_line(data: bytes) -> Header | int:
    """Section 2.1. A single CR or LF does not end it, and has no place in it."""
    line, ends, _ = data[:MAX_LINE].partition(b"\r\n")
    settled = line if ends else line.removesuffix(b"\r")
    if b"\r" in settled or b"\n" in settled:
        raise _malformed("a CR or LF by itself")
    if ends:
        return Header(len(line) + 2, _line_addresses(line))
    if len(data) >= MAX_LINE:
        raise MalformedHeader("too_long", f"no CRLF within {MAX_LINE} octets")
    return len(data) + 1


def _line_addresses(line: bytes) -> Addresses | None:
    words = line.split(b" ")
    if words[1] == b"UNKNOWN":
        return None  # whatever stands behind it is to be ignored
    family = {b"TCP4": 4, b"TCP6": 6}.get(words[1])
    if family is None or len(words) != 6:
        raise _malformed("it names neither TCP4, TCP6 nor UNKNOWN, or not two addresses and two ports")
    source, destination, *ports = words[2:]
    return Addresses(
        (_line_address(source, family), _line_port(ports[0])),
        (_line_address(destination, family), _line_port(ports[1])),
    )


def _line_address(word: bytes, family: int) -> str:
    """In canonical spelling. IPv6 may end in an IPv4 address (RFC 4291 section 2.2), as inet_ntop writes some."""
    try:
        text = word.decode("ascii")
        address = IPv4Address(text) if family == 4 else IPv6Address(text)
    except ValueError:
        raise _malformed(f"no IPv{family} address") from None
    if "%" in text:
        raise _malformed("a zone means nothing here")
    return _spelled(address)


def _line_port(word: bytes) -> int:
    if not _PORT.fullmatch(word) or int(word) > 0xFFFF:
        raise _malformed("no port")
    return int(word)


def _parse_binary(data: bytes) -> Header | int:
    """Section 2.2, each octet looked at as soon as it is there."""
    version, command = divmod(data[12], 16) if len(data) > 12 else (2, 0)
    if version != 2 or command > 1:
        raise _malformed(f"version {version}, command {command}")
    family, transport = divmod(data[13], 16) if len(data) > 13 else (0, 0)
    relayed = command == 1
    if relayed and (family not in _SIZES or transport > _MOST_TRANSPORT):
        raise _malformed(f"address family {family}, transport protocol {transport}")
    if len(data) < _FIXED:
        return len(data) + 1
    length = int.from_bytes(data[14:16])
    if length > MAX_LENGTH:
        raise MalformedHeader("too_long", f"{length} octets, and at most {MAX_LENGTH} are read")
    known = relayed and family != 0 and transport != 0
    if known and length < _SIZES[family]:
        raise _malformed(f"{length} octets are too few for its addresses")
    size = _FIXED + length
    if len(data) < size:
        return size
    return Header(size, _binary_addresses(data[:size], family, transport) if known else None)


def _binary_addresses(header: bytes, family: int, transport: int) -> Addresses | None:
    """Of a header whose layout is known. LOCAL and UNSPEC have none: all that stands there is to be discarded."""
    start = _FIXED + _SIZES[family]
    _check_tlvs(header, start)
    if transport != _STREAM or family not in (1, 2):
        return None  # as if it were UNSPEC: a receiver need not know more
    source, destination, *ports = _PACKED[4 if family == 1 else 6].unpack(header[_FIXED:start])
    return Addresses((_spelled(ip_address(source)), ports[0]), (_spelled(ip_address(destination)), ports[1]))


def _check_tlvs(header: bytes, start: int) -> None:
    """They must fill the header, and the checksum be right where there is one (section 2.2.3)."""
    sums = [value for kind, value in _tlvs(header, start) if kind == _CRC32C]
    if not sums:
        return
    at, end = sums[0]
    if len(sums) > 1 or end - at != 4:
        raise _malformed("more than one checksum, or one that has not 32 bits")
    if crc32c(header[:at] + bytes(4) + header[end:]) != int.from_bytes(header[at:end]):
        raise MalformedHeader("bad_checksum", "the checksum is not that of the header")


def _tlvs(header: bytes, at: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """Type, and where its value begins and ends."""
    while at < len(header):
        value = at + 3
        end = value + int.from_bytes(header[at + 1 : value])
        if end > len(header) or value > len(header):
            raise _malformed("a TLV goes beyond the end")
        yield header[at], (value, end)
        at = end


def _malformed(message: str) -> MalformedHeader:
    return MalformedHeader("malformed", message)


def _spelled(address: IPv4Address | IPv6Address) -> str:
    """As sockets have it."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(address) if mapped is None else f"::ffff:{mapped}"


# --- writing ----------------------------------------------------------------------------------


def encode_header(version: Version, addresses: Addresses | None) -> bytes:
    """What is to be sent at once and before all else.

    Addresses that are missing or of two families cannot be said: that is UNKNOWN in version 1 and UNSPEC in version 2.
    LOCAL would say that the connection is our own.
    """
    source, destination = map(_ip, addresses) if addresses is not None else (None, None)
    if addresses is None or source is None or destination is None or source.version != destination.version:
        return b"PROXY UNKNOWN\r\n" if version == "v1" else SIGNATURE + bytes((0x21, 0x00, 0, 0))
    ports = addresses.source[1], addresses.destination[1]
    if version == "v1":
        words = f"PROXY TCP{source.version} {_digits(source)} {_digits(destination)} {ports[0]} {ports[1]}\r\n"
        return words.encode("ascii")
    packed = _PACKED[source.version].pack(source.packed, destination.packed, *ports)
    return SIGNATURE + bytes((0x21, 0x11 if source.version == 4 else 0x21, 0, len(packed))) + packed


def _digits(address: IPv4Address | IPv6Address) -> str:
    """IPv6 in hexadecimal ones throughout: a strict reader takes no others."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(address) if mapped is None else address.exploded


def _ip(address: Address) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address[0].partition("%")[0])
    except ValueError:
        return None
