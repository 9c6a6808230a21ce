"""Messages and descriptors over a socket pair."""

import asyncio
import os
import socket

import pytest

from proxy.downstream.settings import DataPlaneSettings
from proxy.runtime import ipc
from proxy.snapshot.snapshot import Bind

BIND = Bind("", 8080, ("ns/gw/http",))


class End:
    """One end of a pair, remembering what arrives."""

    def __init__(self, sock: socket.socket) -> None:
        self.received: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.channel = ipc.Channel(sock, self)

    def on_message(self, body: bytes) -> None:
        self.received.put_nowait(body)

    def on_closed(self) -> None:
        self.received.put_nowait(None)


@pytest.fixture
async def pair():
    ends = tuple(map(End, socket.socketpair()))
    yield ends
    for end in ends:
        end.channel.close()


COMMANDS = [
    ipc.Start(DataPlaneSettings(trusted_proxies=("10.0.0.0/8",)), "DEBUG", True, "text"),
    ipc.Prepare(b"\x00\xff", "route"),
    ipc.Commit(),
    ipc.Abandon(),
    ipc.Open(BIND),
    ipc.CloseBind(BIND),
    ipc.BeginDrain(),
    ipc.CloseListeners(),
    ipc.Finish(30.0, 1.0),
    ipc.ReopenLog(),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
async def test_commands_arrive_as_they_were_sent(pair, command) -> None:
    control, worker = pair
    control.channel.send(ipc.encode(command))
    assert ipc.decode_command(await worker.received.get()) == command


@pytest.mark.parametrize("reply", [ipc.Done(7), ipc.Failed("it broke")])
async def test_replies_come_back(pair, reply) -> None:
    control, worker = pair
    worker.channel.send(ipc.encode(reply))
    assert ipc.decode_reply(await control.received.get()) == reply


async def test_large_messages_keep_their_order(pair) -> None:
    control, worker = pair
    sent = [ipc.Prepare(os.urandom(size)) for size in (3_000_000, 1, 300_000, 0)]
    for message in sent:
        control.channel.send(ipc.encode(message))
    assert [ipc.decode_command(await worker.received.get()) for _ in sent] == sent


async def test_descriptors_come_with_their_message_and_ours_stay_open(pair) -> None:
    control, worker = pair
    pipes = [os.pipe() for _ in range(3)]
    control.channel.send(ipc.encode(ipc.Prepare(b"x" * 1_000_000)))
    control.channel.send(ipc.encode(ipc.Start(DataPlaneSettings())), [pipes[0][1], pipes[1][1]])
    control.channel.send(ipc.encode(ipc.Open(BIND)), [pipes[2][1]])
    for _ in range(3):
        await worker.received.get()
    for number, (reader, writer) in enumerate(pipes):
        descriptor = worker.channel.take_descriptor()
        os.write(descriptor, b"%d" % number)
        os.close(descriptor)
        os.write(writer, b"!")
        assert os.read(reader, 10) == b"%d!" % number
        os.close(reader)
        os.close(writer)
    with pytest.raises(IndexError):
        worker.channel.take_descriptor()


async def test_the_other_end_closing_is_told_once(pair) -> None:
    control, worker = pair
    worker.channel.send(ipc.encode(ipc.Done()))
    worker.channel.close()
    worker.channel.close()
    assert ipc.decode_reply(await control.received.get()) == ipc.Done()
    assert await control.received.get() is None
    control.channel.send(ipc.encode(ipc.Commit()))  # nobody is there, and nothing breaks
    assert control.received.empty()


async def test_closing_while_much_is_unsent_loses_no_descriptor(pair) -> None:
    control, worker = pair
    reader, writer = os.pipe()
    control.channel.send(ipc.encode(ipc.Prepare(b"x" * 10_000_000)))
    control.channel.send(ipc.encode(ipc.Open(BIND)), [writer])
    control.channel.close()
    os.close(writer)
    assert os.read(reader, 1) == b""  # no copy of the writing end is left
    os.close(reader)
    assert await worker.received.get() is None


async def test_a_write_that_fails_ends_quietly(pair) -> None:
    control, worker = pair
    control.channel.send(ipc.encode(ipc.Prepare(b"x" * 10_000_000)))
    worker.channel.close()
    assert await control.received.get() is None
