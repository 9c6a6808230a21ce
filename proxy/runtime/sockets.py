"""Listening sockets: bound so that nobody shares them by accident, closed so that nobody is reset.

Each worker gets a socket of its own per address (SO_REUSEPORT), and the kernel spreads connections
over them. The control process keeps a copy of every one: when a worker dies, the connections that
wait in its queue are not reset but wait for its successor.
"""

import asyncio
import errno
import socket
import struct
from collections.abc import Iterable, Sequence
from ctypes import Array, addressof, c_char, create_string_buffer

from proxy.snapshot.snapshot import Transport

BACKLOG = 4096
"""Connections that may wait to be accepted; the kernel caps it at net.core.somaxconn."""
SETTLE = 0.2
"""Seconds for handshakes under way to finish: a round trip, and some."""
POLL = 0.005
PATIENCE = 5.0
"""Seconds to wait for workers to accept what is queued before a listener closes all the same."""

SO_ATTACH_FILTER = 26
"""asm-generic/socket.h; Python does not name it."""
INSTRUCTION = 8
"""Octets of a struct sock_filter."""
ACCEPT_QUEUE_OFFSET = 24
"""tcpi_unacked in struct tcp_info: on a listening socket the length of its accept queue."""


class BindError(Exception):
    """An address cannot be bound. Says why (`str`) and what to do (`hint`)."""

    def __init__(self, address: str, port: int, error: OSError, transport: Transport = "TCP") -> None:
        reason, self.hint = _explain(port, error, transport)
        self.address_missing = error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
        """It is the address, not the port, that cannot be had."""
        what = f"{display(address)}:{port}" + (" by UDP" if transport == "UDP" else "")
        super().__init__(f"cannot listen on {what}: {reason}")


def display(address: str) -> str:
    """For people: IPv6 in brackets, "" as *."""
    return f"[{address}]" if ":" in address else address or "*"


def _explain(port: int, error: OSError, transport: Transport) -> tuple[str, str]:
    """Why, and what to do about it."""
    if error.errno == errno.EADDRINUSE:
        return "the port is taken by another program", (
            f"`ss -l{transport[0].lower()}np 'sport = :{port}'` shows by whom: stop it, or serve this listener on"
            f" another port with --map-port {port}=18080"
        )
    if error.errno == errno.EACCES:
        return "this user may not use ports below 1024", (
            f"serve this listener on another port with --map-port {port}={port + 8000}, or allow it:"
            f" sysctl net.ipv4.ip_unprivileged_port_start={port}"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine does not have that address", "`ip address` shows those it has"
    return error.strerror or str(error), ""


def bind(
    address: str, port: int, copies: int, shared: bool = False, transport: Transport = "TCP"
) -> list[list[socket.socket]]:
    """Sockets that take what comes to one address and port: per IP version, one for each of `copies` workers.

    "" stands for every address, IPv4 and IPv6 alike; IPv6 is left out where the machine has none.
    `shared` says that we hold this port already, for another address. Raises BindError, and then
    nothing stays bound.
    """
    bound: list[list[socket.socket]] = []
    try:
        for literal, optional in _literals(address):
            try:
                bound.append(_bind_copies(literal, port, copies, shared, transport))
            except OSError as error:
                if not (optional and error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)):
                    raise BindError(address, port, error, transport) from None
    except BindError:
        close(sock for row in bound for sock in row)
        raise
    return bound


def close(sockets: Iterable[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


def _literals(address: str) -> list[tuple[str, bool]]:
    """IP literals to bind, and whether one may be left out."""
    return [(address, False)] if address else [("0.0.0.0", False), ("::", True)]


def _bind_copies(literal: str, port: int, copies: int, shared: bool, transport: Transport) -> list[socket.socket]:
    first = _socket(literal, transport, reuse_port=shared)
    sockets = [first]
    try:
        # Bound *and listening* without SO_REUSEPORT, so that of two programs only one can have the port,
        # even at the same instant; then opened to our own further sockets.
        first.bind((literal, port))
        _listen(first, transport)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        for _ in range(copies - 1):
            sockets.append(_socket(literal, transport, reuse_port=True))
            sockets[-1].bind((literal, first.getsockname()[1]))
            _listen(sockets[-1], transport)
    except OSError:
        close(sockets)
        raise
    return sockets


def _listen(sock: socket.socket, transport: Transport) -> None:
    if transport == "TCP":
        sock.listen(BACKLOG)


def _socket(literal: str, transport: Transport, reuse_port: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in literal else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM if transport == "TCP" else socket.SOCK_DGRAM)
    if transport == "TCP":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections in TIME_WAIT do no harm
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.setblocking(False)
    return sock


# --- closing ----------------------------------------------------------------------------------


def refuse_new_handshakes(sock: socket.socket) -> None:
    """Segments that would begin a connection are dropped from now on; handshakes under way go on.

    Closing a listening socket resets all that is in its queues, and there is always someone who just
    arrived. With this filter the queues run empty first, and whoever comes meanwhile tries again a
    second later, by TCP's own rules. It holds for every copy of the socket.
    """
    program = _drop_syn()
    fprog = struct.pack("HP", len(program) // INSTRUCTION, addressof(program))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)


def _drop_syn() -> "Array[c_char]":
    """Classic BPF (struct sock_filter). A TCP socket's filter sees a segment from its TCP header on."""
    instructions = (
        (0x30, 0, 0, 13),  # ldb [13]         the flags
        (0x54, 0, 0, 0x12),  # and #SYN|ACK
        (0x15, 0, 1, 0x02),  # jeq #SYN, next, skip one
        (0x06, 0, 0, 0),  # ret #0           drop
        (0x06, 0, 0, 0xFFFFFFFF),  # ret #-1          keep all of it
    )
    return create_string_buffer(
        b"".join(struct.pack("HBBI", *each) for each in instructions), INSTRUCTION * len(instructions)
    )


def waiting(sock: socket.socket) -> int:
    """Connections whose handshake is done and that nobody has accepted yet."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, ACCEPT_QUEUE_OFFSET + 4)
    return int(struct.unpack_from("I", info, ACCEPT_QUEUE_OFFSET)[0])


async def run_empty(sockets: Sequence[socket.socket], settle: float = SETTLE, patience: float = PATIENCE) -> int:
    """Lets no new connection begin and returns when workers have accepted all others.

    Returns the number still waiting after `patience` seconds: 0 unless a worker hangs.
    """
    sockets = [sock for sock in sockets if sock.type == socket.SOCK_STREAM]
    for sock in sockets:
        refuse_new_handshakes(sock)
    await asyncio.sleep(settle if sockets else 0.0)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while True:
        left = sum(map(waiting, sockets))
        if not left or loop.time() >= deadline:
            return left
        await asyncio.sleep(POLL)
