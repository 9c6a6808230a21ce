"""Our client and our server on one wire: what h2 will not take part in, because it stops at the first GOAWAY."""

from proxy.protocol.http2.client import ClientCodec
from proxy.protocol.http2.client_stream import ClientStream
from proxy.protocol.http2.server import ServerCodec
from proxy.protocol.limits import Limits
from proxy.protocol.message import Request, Response
from proxy.protocol.stream import DownstreamStream
from tests.playbook import RequestRecord, ResponseRecord
from tests.protocol.http2.playbook import Cable


class Wire:
    """Both ends, and who asked what of whom."""

    def __init__(self) -> None:
        self.near, self.far = Cable(), Cable()
        self.requests: list[RequestRecord] = []
        self.responses: list[ResponseRecord] = []
        self.server = ServerCodec(self.far, self._start, lambda stream, error, call: None, Limits())
        self.client = ClientCodec(self.near, Limits(), b"http")
        self.client.schedule()
        self.go()

    def _start(self, stream: DownstreamStream, request: Request, end: bool) -> RequestRecord:
        self.requests.append(RequestRecord(stream, request, end))
        return self.requests[-1]

    def go(self) -> None:
        while True:
            there, back = self.near.take(), self.far.take()
            if not there and not back:
                return
            if there:
                self.server.feed(there)
            if back:
                self.client.feed(back)

    def asks(self, path: bytes) -> None:
        request = Request()
        request.method, request.raw_path, request.host = b"GET", path, b"a.example"
        stream = ClientStream(self.client, lambda: None)
        self.responses.append(ResponseRecord())
        stream.begin(self.responses[-1])
        stream.send_head(request, True)

    def answers(self, number: int) -> None:
        stream = self.requests[number].stream
        stream.send_head(Response(204), True)
        stream.send_end(None)
        self.go()


def test_drain_serves_what_was_asked_before_the_client_knew() -> None:
    wire = Wire()
    wire.asks(b"/1")
    wire.go()
    wire.server.drain()
    wire.asks(b"/2")  # crosses the first GOAWAY on the wire
    wire.go()
    assert [record.request.path for record in wire.requests if record.request] == [b"/1", b"/2"]
    assert wire.client.capacity == 0 and wire.far.signals == []
    wire.answers(1)
    assert wire.far.signals == []
    wire.answers(0)
    assert [record.ended for record in wire.responses] == [True, True]
    assert (wire.far.signals, wire.near.signals) == (["closed"], ["closed"])


def test_drain_closes_an_idle_connection_after_its_goodbye() -> None:
    wire = Wire()
    assert not wire.server.idle
    wire.server.drain()
    wire.go()
    assert wire.server.idle and wire.far.signals == ["closed"]


def test_a_client_that_goes_waits_for_its_answers() -> None:
    wire = Wire()
    wire.asks(b"/1")
    wire.go()
    wire.client.go()
    wire.go()
    assert wire.near.signals == []
    wire.answers(0)
    assert wire.near.signals == ["closed"] and wire.responses[0].ended
