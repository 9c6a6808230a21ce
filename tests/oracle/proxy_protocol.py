"""The PROXY protocol read slowly and literally from HAProxy's doc/proxy-protocol.txt: what a header says, if it is one.

Version 1 is one expression for each sentence of section 2.1; version 2 is read octet by octet as section 2.2 lays it
out, and its checksum is computed bit by bit.
"""

import re
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import NamedTuple

from tests.oracle.http_abnf import HTTP


class Ends(NamedTuple):
    """Addresses as packed octets, in the order of the header."""

    source: bytes
    source_port: int
    destination: bytes
    destination_port: int


class Said(NamedTuple):
    """A whole header."""

    size: int
    ends: Ends | None


_LINE = re.compile(rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?|TCP4 (\S+) (\S+) (\d+) (\d+)|TCP6 (\S+) (\S+) (\d+) (\d+))\r\n")


def read(data: bytes, most: int) -> Said | None:
    """The header that `data` begins with. `most`: octets that the length field of version 2 may say."""
    return _line(data) if data[:6] == b"PROXY " else _binary(data, most)


def _line(data: bytes) -> Said | None:
    found = _LINE.match(data)
    if found is None or found.end() > 107:
        return None
    words = [word for word in found.groups() if word is not None]
    if not words:
        return Said(found.end(), None)
    family, rule = (AF_INET, "IPv4address") if data[9:10] == b"4" else (AF_INET6, "IPv6address")
    if not all(HTTP.matches(rule, word) for word in words[:2]) or not all(map(_is_port, words[2:])):
        return None
    source, destination = (inet_pton(family, word.decode()) for word in words[:2])
    return Said(found.end(), Ends(source, int(words[2]), destination, int(words[3])))


def _is_port(word: bytes) -> bool:
    return word == b"%d" % int(word) and int(word) <= 65535


def _binary(data: bytes, most: int) -> Said | None:
    if data[:12] != bytes.fromhex("0D0A0D0A000D0A515549540A") or len(data) < 16:
        return None
    length = data[14] * 256 + data[15]
    size = 16 + length
    if data[12] not in (0x20, 0x21) or length > most or len(data) < size:
        return None
    if data[12] == 0x20:
        return Said(size, None)
    family, transport = data[13] >> 4, data[13] & 15
    if family > 3 or transport > 2:
        return None
    if family == 0 or transport == 0:
        return Said(size, None)
    taken = {1: 12, 2: 36, 3: 216}[family]
    if length < taken or not _tlvs_are_sound(data[:size], 16 + taken):
        return None
    if transport != 1 or family == 3:
        return Said(size, None)
    wide = 4 if family == 1 else 16
    block = data[16 : 16 + taken]
    ports = block[2 * wide :]
    return Said(
        size,
        Ends(block[:wide], ports[0] * 256 + ports[1], block[wide : 2 * wide], ports[2] * 256 + ports[3]),
    )


def _tlvs_are_sound(header: bytes, at: int) -> bool:
    sums = []
    while at != len(header):
        if len(header) - at < 3 or len(header) - at - 3 < header[at + 1] * 256 + header[at + 2]:
            return False
        length = header[at + 1] * 256 + header[at + 2]
        if header[at] == 3:
            sums.append((at + 3, length))
        at += 3 + length
    if not sums:
        return True
    [(where, length), *more] = sums
    if more or length != 4:
        return False
    return checksum(header[:where] + b"\0\0\0\0" + header[where + 4 :]) == header[where : where + 4]


def checksum(data: bytes) -> bytes:
    """CRC32c, bit by bit: the remainder of the message, its bits in the order of sending, by 0x11EDC6F41."""
    remainder = 0xFFFFFFFF
    for octet in data:
        for bit in range(8):
            top = (remainder >> 31) ^ (octet >> bit & 1)
            remainder = (remainder << 1 & 0xFFFFFFFF) ^ (0x1EDC6F41 if top else 0)
    return int(f"{remainder ^ 0xFFFFFFFF:032b}"[::-1], 2).to_bytes(4, "big")


def shown(address: bytes) -> str:
    return inet_ntop(AF_INET if len(address) == 4 else AF_INET6, address)
