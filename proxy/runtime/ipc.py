"""What control and workers say to each other: one command, one reply, over a Unix socket pair.

A message is four octets of length and msgpack. Descriptors travel beside the bytes (SCM_RIGHTS) and
are taken in the order in which they were sent.
"""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import msgspec

from proxy.downstream.settings import DataPlaneSettings
from proxy.observe.access_log import LogFormat
from proxy.observe.metrics import Detail
from proxy.snapshot.names import Resolved
from proxy.snapshot.snapshot import Bind

CHUNK = 256 * 1024
MAX_DESCRIPTORS = 64
"""In one read; a message carries at most three."""


class Message(msgspec.Struct, array_like=True, tag=True):
    """Base of all."""


# --- commands: control to worker --------------------------------------------------------------


class Start(Message):
    """The first command. Descriptors: the values and the register of its metrics, then the access log, if any."""

    settings: DataPlaneSettings
    log_level: str = "INFO"
    access_log: bool = False
    access_log_format: LogFormat = "json"


class Prepare(Message):
    """Make a configuration ready, without using it yet."""

    delta: bytes
    """From snapshot.delta.encode_delta."""
    detail: Detail = "rule"


class Commit(Message):
    """Use what was prepared. The reply's value is the generation in use."""


class Abandon(Message):
    """Forget what was prepared."""


class Open(Message):
    """Accept on a listening socket, the descriptor that comes along."""

    bind: Bind


class CloseBind(Message):
    """Stop accepting on all sockets of this bind; their queues are empty."""

    bind: Bind


class Resolve(Message):
    """DNS names of upstreams lead to these addresses from now on. Names that are not used are remembered until the
    next Commit."""

    news: tuple[Resolved, ...]


class BeginDrain(Message):
    """From now on answers carry `Connection: close`."""


class CloseListeners(Message):
    """Stop accepting altogether; the queues are empty. Flows of UDP that are there go on."""


class Finish(Message):
    """Let open exchanges and flows end. The reply's value is the number of those that had to be cut."""

    timeout: float
    """Seconds."""
    idle_grace: float
    """Seconds after which connections without a request are closed."""


class ReopenLog(Message):
    """Go on with another access log, the descriptor that comes along."""


Command = (
    Start | Prepare | Commit | Abandon | Open | CloseBind | Resolve | BeginDrain | CloseListeners | Finish | ReopenLog
)


# --- replies: worker to control ---------------------------------------------------------------


class Done(Message):
    value: int = 0


class Failed(Message):
    error: str


Reply = Done | Failed

_encoder = msgspec.msgpack.Encoder()
_commands = msgspec.msgpack.Decoder(Command)
_replies = msgspec.msgpack.Decoder(Reply)


def encode(message: Message) -> bytes:
    """With its length in front. Made once for a message that goes to all workers."""
    body = _encoder.encode(message)
    return len(body).to_bytes(4, "big") + body


def decode_command(body: bytes) -> Command:
    command: Command = _commands.decode(body)
    return command


def decode_reply(body: bytes) -> Reply:
    reply: Reply = _replies.decode(body)
    return reply


# --- the channel ------------------------------------------------------------------------------


class Listener(Protocol):
    """Who is told what a channel brings."""

    def on_message(self, body: bytes) -> None: ...

    def on_closed(self) -> None:
        """The other side has ended. Called once, and not after `close`."""


class Channel:
    """One end of the pair, on the running loop. Owns its socket."""

    def __init__(self, sock: socket.socket, listener: Listener) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._descriptors: deque[int] = deque()
        self._sending: deque[tuple[memoryview, Sequence[int]]] = deque()
        self._closed = False
        self._loop.add_reader(sock, self._readable)

    def send(self, data: bytes, descriptors: Sequence[int] = ()) -> None:
        """`data` is from `encode`. The descriptors are duplicated: ours stay open, and must until they left."""
        if self._closed:
            return
        self._sending.append((memoryview(data), [os.dup(each) for each in descriptors]))
        if len(self._sending) == 1:
            self._writable()

    def take_descriptor(self) -> int:
        """The oldest descriptor that arrived, as ours to close. IndexError when there is none."""
        return self._descriptors.popleft()

    def close(self) -> None:
        """At once; what was not sent is lost."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        while self._sending:
            _close_all(self._sending.popleft()[1])
        _close_all(self._descriptors)

    def _lost(self) -> None:
        if not self._closed:
            self.close()
            self._listener.on_closed()

    def _readable(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._sock, CHUNK, MAX_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, descriptors = b"", []
        self._descriptors.extend(descriptors)
        self._received += data
        if data:
            self._deliver()
        else:
            self._lost()

    def _deliver(self) -> None:
        received = self._received
        while len(received) >= 4 and not self._closed:
            end = 4 + int.from_bytes(received[:4], "big")
            if len(received) < end:
                return
            body = bytes(received[4:end])
            del received[:end]
            self._listener.on_message(body)

    def _writable(self) -> None:
        while self._sending:
            data, descriptors = self._sending[0]
            try:
                sent = socket.send_fds(self._sock, [data], list(descriptors))
            except (BlockingIOError, InterruptedError):
                self._loop.add_writer(self._sock, self._writable)
                return
            except OSError:  # noticed once more when reading, where the listener is told
                self._discard()
                return
            _close_all(descriptors)
            if sent < len(data):
                self._sending[0] = (data[sent:], ())
            else:
                self._sending.popleft()
        self._loop.remove_writer(self._sock)

    def _discard(self) -> None:
        self._loop.remove_writer(self._sock)
        while self._sending:
            _close_all(self._sending.popleft()[1])


def _close_all(descriptors: Sequence[int] | deque[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
