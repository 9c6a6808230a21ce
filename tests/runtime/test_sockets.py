"""Listening sockets: nobody shares them by accident, and nobody is reset when they close."""

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from proxy.runtime import sockets
from proxy.runtime.sockets import BindError, bind, refuse_new_handshakes, run_empty, waiting
from proxy.snapshot.snapshot import Transport

LOOPBACK = "127.0.0.1"


@contextmanager
def bound(
    address: str, port: int, copies: int = 1, shared: bool = False, transport: Transport = "TCP"
) -> Iterator[list[list[socket.socket]]]:
    rows = bind(address, port, copies, shared, transport)
    try:
        yield rows
    finally:
        sockets.close(sock for row in rows for sock in row)


def port_of(rows: list[list[socket.socket]]) -> int:
    return int(rows[0][0].getsockname()[1])


def free_port() -> int:
    with closing(socket.socket()) as sock:
        sock.bind((LOOPBACK, 0))
        return int(sock.getsockname()[1])


def connect(port: int) -> socket.socket:
    return socket.create_connection((LOOPBACK, port), timeout=10)


# --- binding ------------------------------------------------------------------------------------


def test_every_worker_has_a_socket_and_connections_spread() -> None:
    with bound(LOOPBACK, 0, copies=3) as [row]:
        clients = [connect(port_of([row])) for _ in range(60)]
        lengths = [waiting(sock) for sock in row]
        sockets.close(clients)
    assert sum(lengths) == 60
    assert all(lengths)


def test_a_udp_port_is_another_than_that_of_tcp_and_has_one_holder() -> None:
    with bound(LOOPBACK, 0, copies=2) as rows, bound(LOOPBACK, port := port_of(rows), 2, transport="UDP") as [row]:
        assert {sock.type for sock in row} == {socket.SOCK_DGRAM} and len(row) == 2
        with pytest.raises(BindError, match=f":{port} by UDP: the port is taken by another program") as caught:
            bind(LOOPBACK, port, 2, transport="UDP")
        assert "`ss -lunp" in caught.value.hint


def test_datagrams_of_one_sender_come_to_one_socket() -> None:
    with bound(LOOPBACK, 0, copies=3, transport="UDP") as [row]:
        with closing(socket.socket(type=socket.SOCK_DGRAM)) as client:
            for _ in range(9):
                client.sendto(b"x", (LOOPBACK, port_of([row])))
        counts = []
        for sock in row:
            counts.append(0)
            with suppress(BlockingIOError):
                while sock.recv(1):
                    counts[-1] += 1
    assert sorted(counts) == [0, 0, 9]


@pytest.mark.parametrize("address", [LOOPBACK, "0.0.0.0", ""])
def test_a_port_held_by_another_gateway_is_refused(address: str) -> None:
    with bound(LOOPBACK, 0, copies=2) as rows:
        port = port_of(rows)
        with pytest.raises(BindError, match=f":{port}: the port is taken by another program") as caught:
            bind(address, port, copies=2)
    assert f"--map-port {port}=" in caught.value.hint


def test_a_port_held_by_any_program_is_refused() -> None:
    with closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind((LOOPBACK, 0))
        other.listen()
        with pytest.raises(BindError):
            bind(LOOPBACK, other.getsockname()[1], copies=1)


def test_a_port_is_free_again_at_once() -> None:
    with bound(LOOPBACK, 0) as rows:
        port = port_of(rows)
        client = connect(port)
        accepted, _ = rows[0][0].accept()
        accepted.close()  # our side closes first, so it stays in TIME_WAIT
        client.close()
    with bound(LOOPBACK, port) as rows:
        assert port_of(rows) == port


def test_our_own_second_address_on_a_port_is_fine() -> None:
    with (
        bound(LOOPBACK, 0) as rows,
        bound("127.0.0.2", port_of(rows)),
        bound("0.0.0.0", port_of(rows), shared=True),
    ):
        connect(port_of(rows)).close()


def test_every_address_means_both_versions_of_ip() -> None:
    with bound("", free_port(), copies=2) as rows:
        assert [row[0].family for row in rows] == [socket.AF_INET, socket.AF_INET6]
        socket.create_connection(("::1", port_of(rows)), timeout=10).close()
        connect(port_of(rows)).close()


def test_a_machine_without_ipv6_serves_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    make = sockets._socket

    def without_ipv6(literal: str, transport: Transport, reuse_port: bool) -> socket.socket:
        if ":" in literal:
            raise OSError(errno.EAFNOSUPPORT, "no IPv6 here")
        return make(literal, transport, reuse_port)

    monkeypatch.setattr(sockets, "_socket", without_ipv6)
    with bound("", free_port()) as rows:
        assert [row[0].family for row in rows] == [socket.AF_INET]
    with pytest.raises(BindError):
        bind("::1", 0, copies=1)


def test_nothing_stays_bound_when_one_of_the_two_fails() -> None:
    port = free_port()
    with closing(socket.socket(socket.AF_INET6)) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::", port))
        other.listen()
        with pytest.raises(BindError):
            bind("", port, copies=2)
        with bound(LOOPBACK, port):
            pass


@pytest.mark.parametrize(
    ("code", "says", "hint"),
    [
        (errno.EACCES, "below 1024", "--map-port 80=8080"),
        (errno.EADDRNOTAVAIL, "does not have that address", "ip address"),
        (errno.EADDRINUSE, "taken", "ss -ltnp 'sport = :80'"),
        (errno.ENOBUFS, "No buffer space", ""),
    ],
)
def test_what_fails_says_why_and_what_to_do(code: int, says: str, hint: str) -> None:
    error = BindError("::1", 80, OSError(code, "No buffer space"))
    assert "[::1]:80" in str(error)
    assert says in str(error)
    assert hint in error.hint


# --- closing ------------------------------------------------------------------------------------


def test_after_the_filter_no_connection_begins_and_none_is_refused() -> None:
    with bound(LOOPBACK, 0) as [[listening]]:
        early = connect(listening.getsockname()[1])
        refuse_new_handshakes(listening)
        with closing(socket.socket()) as late:
            late.settimeout(0.05)
            with pytest.raises(TimeoutError):
                late.connect(listening.getsockname())
        accepted, _ = listening.accept()
        early.sendall(b"x")  # data still passes: only what would begin a connection is dropped
        accepted.settimeout(10)
        assert accepted.recv(1) == b"x"
        sockets.close([early, accepted])


async def test_queues_run_empty_before_anything_closes() -> None:
    with bound(LOOPBACK, 0, copies=2) as [row]:
        clients = [connect(port_of([row])) for _ in range(20)]
        running_empty = asyncio.create_task(run_empty(row, settle=0.0))
        await asyncio.sleep(0)
        assert sum(map(waiting, row)) == 20
        accepted = [sock.accept()[0] for sock in row for _ in range(waiting(sock))]
        assert await running_empty == 0
        sockets.close(row)
    for served in accepted:
        served.sendall(b"served")
    for client in clients:
        assert client.recv(10) == b"served"
    sockets.close([*clients, *accepted])


async def test_a_worker_that_hangs_does_not_hold_it_up_for_ever() -> None:
    with bound(LOOPBACK, 0) as [row]:
        client = connect(port_of([row]))
        assert await run_empty(row, settle=0.0, patience=0.0) == 1
        client.close()


async def serve(listening: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        connection, _ = await loop.sock_accept(listening)
        connection.setblocking(False)
        with closing(connection):
            await loop.sock_sendall(connection, b"whole answer")


class Hammer:
    """Connects again and again, until it is refused."""

    def __init__(self, port: int, warm: asyncio.Event) -> None:
        """`warm` is set when it has been answered a few times."""
        self.port = port
        self.warm = warm
        self.connected = 0
        self.answered = 0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with closing(socket.socket()) as sock:
                sock.setblocking(False)
                try:
                    await loop.sock_connect(sock, (LOOPBACK, self.port))
                except ConnectionRefusedError:
                    return
                self.connected += 1
                data = b""
                while part := await loop.sock_recv(sock, 100):  # a reset raises
                    data += part
                assert data == b"whole answer"
                self.answered += 1
                if self.answered == 20:
                    self.warm.set()


async def test_closing_under_fire_resets_nobody() -> None:
    with bound(LOOPBACK, 0, copies=2) as [row]:
        warm = asyncio.Event()
        hammers = [Hammer(port_of([row]), warm) for _ in range(16)]
        hammering = [asyncio.create_task(hammer.run()) for hammer in hammers]
        serving = [asyncio.create_task(serve(sock)) for sock in row]
        await warm.wait()
        assert await run_empty(row, settle=0.05) == 0
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
    for task in hammering:  # those whose SYN was dropped would try again a second later, and be refused
        task.cancel()
    ends = await asyncio.gather(*hammering, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends
    assert [hammer.connected for hammer in hammers] == [hammer.answered for hammer in hammers]
