"""Playbooks for HTTP/2: our end of a connection, and h2 as the peer that had no part in it.

    book = server()
    book.asks(1, b"GET", b"/").starts(b"GET", b"/")
    book.replies(204).answers(1, 204).done()

`asks` and its like are what the peer does, `replies` and its like what our exchange does; the rest looks at what came
of it and consumes what it saw. `says` feeds octets that h2 would not send.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Self

from h2.config import H2Configuration
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    InformationalResponseReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

from proxy.protocol.http2.client import ClientCodec
from proxy.protocol.http2.client_stream import ClientStream
from proxy.protocol.http2.server import ServerCodec
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Request, Response
from proxy.wheel import Deadline, Wheel
from tests.h2_connection import Connection
from tests.playbook import RequestBook, ResponseBook, ResponseRecord, pieces


class Cable:
    """A carrier that remembers. `turn` is the end of a turn of the event loop."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.signals: list[str] = []
        self.refusals: list[str] = []
        self.paces: list[str] = []
        self.heads_awaited = 0
        self.lingers = False
        """It was closed, and is read on for a while."""
        self.awaited = 0
        """How often answers were awaited for a client that had ended its half."""
        self._later: list[Callable[[], None]] = []
        self.now = 1.0
        self.wheel = Wheel(lambda: self.now, lambda at: None)
        self.late: Callable[[], None] = lambda: None

    def write(self, data: bytes) -> None:
        assert data and not self.signals, (data, self.signals)
        self.written.append(data)

    def later(self, callback: Callable[[], None]) -> None:
        self._later.append(callback)

    def turn(self) -> None:
        while self._later:
            self._later.pop(0)()

    def take(self) -> bytes:
        self.turn()
        written, self.written = b"".join(self.written), []
        return written

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.wheel.advance()

    def deadline(self, callback: Callable[[], None]) -> Deadline:
        return Deadline(self.wheel, callback)

    def clock(self) -> float:
        return self.now

    def finish(self, linger: bool) -> None:
        self.signals.append("closed")
        self.lingers = linger

    def abort(self) -> None:
        self.signals.append("aborted")

    def close(self) -> None:
        self.signals.append("closed")

    def await_head(self, begun: bool) -> None:
        self.heads_awaited += 1

    def await_answer(self) -> None:
        self.awaited += 1

    def refused(self, reason: str) -> None:
        self.refusals.append(reason)

    # the pace of one body at a time is enough for a playbook

    def pace(self, late: Callable[[], None]) -> "Cable":
        self.late = late
        self.paces.append("begun")
        return self

    def received(self, size: int) -> None:
        self.paces.append(f"{size}")

    def pause(self) -> None:
        self.paces.append("paused")

    def resume(self) -> None:
        self.paces.append("resumed")

    def stop(self) -> None:
        self.paces.append("stopped")

    # the client's

    def ready(self) -> None:
        """Room is looked at where it matters."""

    def leaving(self) -> None:
        self.refusals.append("leaving")


class Message:
    """What the peer has got on one stream."""

    def __init__(self) -> None:
        self.fields: Headers = []
        self.interim: list[int] = []
        self.body = b""
        self.trailers: Headers | None = None
        self.ended = False
        self.reset: int | None = None


class Peer:
    """h2, and what it made of what we sent."""

    def __init__(self, cable: Cable, feed: Callable[[bytes], None], *, client: bool, split: int) -> None:
        self._cable = cable
        self._feed = feed
        self._split = split
        self.h2 = Connection(H2Configuration(client_side=client, header_encoding=None))
        self.messages: defaultdict[int, Message] = defaultdict(Message)
        self.requests: list[int] = []
        self.goaway: list[int] = []
        self.last: list[int] = []
        """The last stream that each GOAWAY named."""
        self.acknowledges = True

    def go(self) -> None:
        """Both sides go on until neither has more to say."""
        while True:
            sent = self.h2.data_to_send()
            for piece in pieces(sent, self._split):
                self._feed(piece)
            got = self._cable.take()
            if got:
                self._hear(got)
            elif not sent:
                return

    def _hear(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            message = self.messages[getattr(event, "stream_id", 0) or 0]
            if isinstance(event, RequestReceived | ResponseReceived):
                message.fields = [(bytes(name), bytes(value)) for name, value in event.headers]
                if isinstance(event, RequestReceived):
                    self.requests.append(event.stream_id)
            elif isinstance(event, InformationalResponseReceived):
                message.interim.append(int(dict(event.headers)[b":status"]))
            elif isinstance(event, DataReceived):
                message.body += event.data
                if self.acknowledges and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, TrailersReceived):
                message.trailers = [(bytes(name), bytes(value)) for name, value in event.headers]
            elif isinstance(event, StreamEnded):
                message.ended = True
            elif isinstance(event, StreamReset):
                message.reset = int(event.error_code)
            elif isinstance(event, ConnectionTerminated):
                self.goaway.append(int(event.error_code))
                self.last.append(event.last_stream_id or 0)


class ServerPlaybook(RequestBook):
    """Our server, and h2 as its client."""

    def __init__(self, split: int = 0, limits: Limits | None = None, *, begun: bool = True) -> None:
        super().__init__()
        self.cable = Cable()
        self._split = split
        self.codec = ServerCodec(self.cable, self._start, self._refuse, limits or Limits())
        self.peer = Peer(self.cable, self.codec.feed, client=True, split=split)
        if begun:
            self.peer.h2.initiate_connection()
            self.peer.go()

    # --- what the client does -----------------------------------------------------------------

    def asks(self, stream: int, method: bytes, path: bytes, *more: tuple[bytes, bytes], end: bool = True) -> Self:
        fields = [(b":method", method), (b":scheme", b"http"), (b":path", path), (b":authority", b"a.example"), *more]
        self.peer.h2.send_headers(stream, fields, end_stream=end)
        self.peer.go()
        return self

    def asks_data(self, stream: int, data: bytes, *, end: bool = False) -> Self:
        self.peer.h2.send_data(stream, data, end_stream=end)
        self.peer.go()
        return self

    def asks_end(self, stream: int, trailers: Headers | None = None) -> Self:
        if trailers:
            self.peer.h2.send_headers(stream, trailers, end_stream=True)
        else:
            self.peer.h2.end_stream(stream)
        self.peer.go()
        return self

    def takes_back(self, stream: int, error_code: int = 8) -> Self:
        self.peer.h2.reset_stream(stream, error_code)
        self.peer.go()
        return self

    def says(self, data: bytes) -> Self:
        """Octets as they are, and the end of the turn they come in. What we say to them is for `hears`."""
        for piece in pieces(data, self._split):
            self.codec.feed(piece)
        self.cable.turn()
        return self

    def goes_on(self) -> Self:
        self.peer.go()
        return self

    # --- what the exchange does ---------------------------------------------------------------

    def replies(
        self, status: int, headers: Headers | None = None, body: bytes = b"", trailers: Headers | None = None
    ) -> Self:
        self.now.stream.send_head(Response(status, list(headers or []), len(body)), not body and not trailers)
        if body:
            self.now.stream.send_data(body)
        self.now.stream.send_end(trailers)
        self.peer.go()
        return self

    def replies_head(self, status: int, headers: Headers | None = None) -> Self:
        self.now.stream.send_head(Response(status, list(headers or []), -1), False)
        self.peer.go()
        return self

    def replies_data(self, data: bytes) -> Self:
        self.now.stream.send_data(data)
        self.peer.go()
        return self

    def replies_end(self, trailers: Headers | None = None) -> Self:
        self.now.stream.send_end(trailers)
        self.peer.go()
        return self

    # --- what is seen -------------------------------------------------------------------------

    def refuses(self, status: int, reason: str = "") -> Self:
        assert self.refusals, f"nothing was refused; {self.cable.refusals}"
        error = self.refusals.pop(0)
        assert error.status == status and reason in ("", error.reason), error
        return self

    def answers(self, stream: int, status: int, body: bytes = b"", trailers: Headers | None = None) -> Self:
        """The client has it, whole."""
        message = self.peer.messages.pop(stream)
        assert message.fields and message.fields[0] == (b":status", b"%d" % status), message.fields
        assert (message.body, message.trailers, message.ended) == (body, trailers, True)
        return self

    def resets(self, stream: int, error_code: int) -> Self:
        assert self.peer.messages.pop(stream).reset == error_code
        return self

    def stays(self) -> Self:
        assert self.cable.signals == []
        return self

    def closes(self) -> Self:
        assert self.cable.signals == ["closed"], self.cable.signals
        return self

    def done(self) -> None:
        assert self._seen == len(self.requests), "a request that nobody expected"
        assert self.refusals == [] and self.cable.take() == b""


class ClientPlaybook(ResponseBook):
    """Our client, and h2 as its endpoint."""

    def __init__(self, split: int = 0, limits: Limits | None = None, **settings: int) -> None:
        super().__init__()
        self.cable = Cable()
        self.codec = ClientCodec(self.cable, limits or Limits(), b"http")
        self.peer = Peer(self.cable, self.codec.feed, client=False, split=split)
        self.records: list[ResponseRecord] = []
        self.streams: list[ClientStream] = []
        self.released = 0
        self.codec.schedule()
        self.peer.h2.initiate_connection()
        self.peer.go()

    @property
    def room(self) -> int:
        """How many more requests the endpoint takes now."""
        return max(0, self.codec.capacity - self.codec.streams)

    def _release(self) -> None:
        self.released += 1

    def asks(self, method: bytes = b"GET", *more: tuple[bytes, bytes], end: bool = True, upgrade: bytes = b"") -> Self:
        request = Request()
        request.method = method
        request.host = b"a.example"
        request.headers = [(b"host", b"a.example"), *more]
        request.content_length = 0 if end else -1
        request.upgrade = upgrade
        self.streams.append(ClientStream(self.codec, self._release))
        self.record = ResponseRecord()
        self.records.append(self.record)
        self.streams[-1].begin(self.record)
        self.streams[-1].send_head(request, end)
        self.peer.go()
        return self

    def asks_data(self, data: bytes) -> Self:
        self.streams[-1].send_data(data)
        self.peer.go()
        return self

    def asks_end(self, trailers: Headers | None = None) -> Self:
        self.streams[-1].send_end(trailers)
        self.peer.go()
        return self

    # --- what the endpoint does ---------------------------------------------------------------

    def replies(
        self, stream: int, status: int, *more: tuple[bytes, bytes], body: bytes = b"", trailers: Headers | None = None
    ) -> Self:
        end = not body and not trailers
        self.peer.h2.send_headers(stream, [(b":status", b"%d" % status), *more], end_stream=end)
        if body:
            self.peer.h2.send_data(stream, body, end_stream=not trailers)
        if trailers:
            self.peer.h2.send_headers(stream, trailers, end_stream=True)
        self.peer.go()
        return self

    def refuses(self, stream: int, error_code: int) -> Self:
        self.peer.h2.reset_stream(stream, error_code)
        self.peer.go()
        return self

    def says_goodbye(self, last: int) -> Self:
        self.peer.h2.close_connection(last_stream_id=last)
        self.peer.go()
        return self

    # --- what is seen -------------------------------------------------------------------------

    def sends(self, stream: int, fields: Headers, body: bytes = b"", trailers: Headers | None = None) -> Self:
        """The endpoint has it, whole."""
        message = self.peer.messages.pop(stream)
        assert message.fields == fields
        assert (message.body, message.trailers, message.ended) == (body, trailers, True)
        return self

    def breaks(self, reason: str) -> Self:
        assert self.record.error is not None and self.record.error.reason == reason, self.record.error
        return self


def server(split: int = 0, limits: Limits | None = None, *, begun: bool = True) -> ServerPlaybook:
    return ServerPlaybook(split, limits, begun=begun)


def client(split: int = 0, limits: Limits | None = None) -> ClientPlaybook:
    return ClientPlaybook(split, limits)
