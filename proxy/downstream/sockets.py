"""What a connection's socket knows and its transport does not tell."""

import asyncio
import socket
import struct
from fcntl import ioctl
from termios import FIONREAD

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_TCP_CLOSE = 7
"""tcpi_state, the first octet of struct tcp_info, of a connection that is no more (Linux)."""


def reset(transport: asyncio.Transport) -> None:
    """Close at once, and so that the peer sees it: a plain close would look like the end of what only that delimits."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


def was_reset(transport: asyncio.BaseTransport) -> bool:
    """The other side is gone. Event loops read no more after an end, so that they hear of no reset."""
    sock = transport.get_extra_info("socket")
    return sock is not None and sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE


def has_unread(transport: asyncio.BaseTransport) -> bool:
    """Octets wait in the socket."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return False
    unread: bytes = ioctl(sock.fileno(), FIONREAD, bytes(4))
    return any(unread)
