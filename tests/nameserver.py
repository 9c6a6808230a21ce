"""A name server on loopback that answers what a test tells it, over UDP and TCP (RFC 1035)."""

import asyncio
import socket
import struct
from collections import Counter
from ipaddress import ip_address
from typing import cast

A, CNAME, SOA, AAAA, OPT = 1, 5, 6, 28, 41
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
_RESPONSE, _TRUNCATED, _RECURSION = 0x8000, 0x0200, 0x0180


class NameServer:
    """Zones are plain dictionaries, so a test changes an answer by changing an entry."""

    def __init__(self) -> None:
        self.addresses: dict[str, tuple[int, list[str]]] = {}
        """Name to (TTL in seconds, its addresses of both families)."""
        self.aliases: dict[str, tuple[int, str]] = {}
        """Name to (TTL, the name it stands for)."""
        self.failing: dict[str, int] = {}
        """Name to the RCODE it is answered with."""
        self.failing_kind: dict[tuple[str, int], int] = {}
        """(name, type) to the RCODE that questions of this type are answered with."""
        self.silent: set[str] = set()
        """Names whose questions are dropped."""
        self.truncating = False
        """Over UDP every answer is cut: only TCP has it."""
        self.negative_ttl = 60
        self.asked: Counter[tuple[str, int, str]] = Counter()
        """(name, type, "udp" or "tcp") to how often."""
        self.port = 0
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> "NameServer":
        """One port for both: the first that UDP gets and TCP can have, too."""
        loop = asyncio.get_running_loop()
        while self._tcp is None:
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind(("127.0.0.1", 0))
            self.port = udp.getsockname()[1]
            try:
                self._tcp = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            except OSError:
                udp.close()
                continue
            self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._udp is not None and self._tcp is not None
        self._udp.close()
        self._tcp.close()
        await self._tcp.wait_closed()

    def questions(self, name: str) -> int:
        """How often an address of a name was asked for, of either family, by whatever transport."""
        return sum(count for (asked, _, _), count in self.asked.items() if asked == name)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                answer = self.answer(await reader.readexactly(length), "tcp")
                if answer is not None:
                    writer.write(struct.pack("!H", len(answer)) + answer)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()

    def answer(self, question: bytes, transport: str) -> bytes | None:
        (number,) = struct.unpack_from("!H", question)
        name, at = _read_name(question, 12)
        (wanted,) = struct.unpack_from("!H", question, at)
        self.asked[name, wanted, transport] += 1
        if name in self.silent:
            return None
        asked = question[12 : at + 4]
        if self.truncating and transport == "udp":
            return struct.pack("!6H", number, _RESPONSE | _RECURSION | _TRUNCATED, 1, 0, 0, 0) + asked
        rcode, records = self._records(name, wanted)
        authority = [] if records and rcode == NOERROR else [self._soa()]
        flags = _RESPONSE | _RECURSION | rcode
        head = struct.pack("!6H", number, flags, 1, len(records), len(authority), 0)
        return head + asked + b"".join((*records, *authority))

    def _records(self, name: str, wanted: int) -> tuple[int, list[bytes]]:
        rcode = self.failing.get(name, self.failing_kind.get((name, wanted), NOERROR))
        if rcode != NOERROR:
            return rcode, []
        records: list[bytes] = []
        while name in self.aliases:
            ttl, target = self.aliases[name]
            records.append(_record(name, CNAME, ttl, _name(target)))
            name = target
        if name not in self.addresses:
            return NXDOMAIN, records
        ttl, addresses = self.addresses[name]
        kind = {4: A, 6: AAAA}
        found = [ip_address(text) for text in addresses]
        records += [_record(name, wanted, ttl, each.packed) for each in found if kind[each.version] == wanted]
        return NOERROR, records

    def _soa(self) -> bytes:
        numbers = struct.pack("!5I", 1, 3600, 600, 86400, self.negative_ttl)
        return _record("test", SOA, self.negative_ttl, _name("ns.test") + _name("root.test") + numbers)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.answer(data, "udp")
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


def _record(name: str, kind: int, ttl: int, data: bytes) -> bytes:
    return _name(name) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def _name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def _read_name(message: bytes, at: int) -> tuple[str, int]:
    labels = []
    while (length := message[at]) != 0:
        labels.append(message[at + 1 : at + 1 + length].decode().lower())
        at += 1 + length
    return ".".join(labels), at + 1
