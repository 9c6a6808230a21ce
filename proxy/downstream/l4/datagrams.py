"""The socket of a UDP port: what comes, from whom and to which of our addresses; and answers from that very address.

A socket for all addresses does not say by itself which one a datagram was sent to, and the kernel would choose the
source of an answer by its routes. On a machine with several addresses a client would then be answered by somebody it
has never written to. IP_PKTINFO (ip(7)) and IPV6_PKTINFO (RFC 3542 section 6.1) tell, and are told.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Final

Address = tuple[str, int] | tuple[str, int, int, int]
"""As Python's sockets have it: IPv6 with flow and scope."""

_BATCH = 64
"""Datagrams that are read before others have a turn."""
_BATCHES_WAITING = 16
"""More than a receive buffer of the usual size holds."""
_LARGEST = 65535
IP_PKTINFO: Final = 8
"""linux/in.h; Python does not name it."""
_IN_PKTINFO = struct.Struct("=i4s4s")
"""struct in_pktinfo: interface, our address, the address in the header."""
_IN6_PKTINFO = struct.Struct("=16sI")
_ROOM = socket.CMSG_SPACE(_IN6_PKTINFO.size)


class DatagramSocket:
    """A bound, non-blocking socket, read until it is closed."""

    def __init__(self, sock: socket.socket, receive: Callable[[bytes, Address, bytes], None]) -> None:
        """`receive` gets a datagram, its sender, and which of our addresses it came to: b"" where there is one only.
        It must not raise.
        """
        self._sock = sock
        self._receive = receive
        self._buffer = bytearray(_LARGEST)
        self._loop = asyncio.get_running_loop()
        self._six = sock.family == socket.AF_INET6
        if sock.getsockname()[0] in ("0.0.0.0", "::"):
            if self._six:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self._loop.add_reader(sock.fileno(), self._readable)

    def _readable(self) -> bool:
        """One batch. Whether there may be more."""
        for _ in range(_BATCH):
            try:
                size, told, _, sender = self._sock.recvmsg_into([self._buffer], _ROOM)
            except (BlockingIOError, InterruptedError):
                return False
            except OSError:
                continue  # about a datagram sent before: its client is gone
            self._receive(bytes(memoryview(self._buffer)[:size]), sender, self._ours(told))
            if self._sock.fileno() < 0:
                return False
        return True

    def take_waiting(self) -> None:
        """Read what has come by now, and not for ever where it goes on coming."""
        for _ in range(_BATCHES_WAITING):
            if not self._readable():
                return

    def _ours(self, told: list[tuple[int, int, bytes]]) -> bytes:
        for level, kind, data in told:
            if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
                return bytes(_IN_PKTINFO.unpack(data)[1])
            if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
                return bytes(_IN6_PKTINFO.unpack(data)[0])
        return b""

    def send(self, data: bytes, to: Address, ours: bytes) -> None:
        """From our address. What the kernel has no room for, or no way to, is lost, as datagrams may be."""
        try:
            self._sock.sendmsg([data], self._said(ours), 0, to)
        except OSError:
            return

    def _said(self, ours: bytes) -> list[tuple[int, int, bytes]]:
        if not ours:
            return []
        if self._six:
            return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _IN6_PKTINFO.pack(ours, 0))]
        return [(socket.IPPROTO_IP, IP_PKTINFO, _IN_PKTINFO.pack(0, ours, bytes(4)))]

    def close(self) -> None:
        """Idempotent."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
