"""Calls of gRPC through the whole data plane, HTTP/2 on both sides, without sockets.

Eight calls come in one read, as from h2load with eight streams, and so do their answers. The octets of client and
endpoint are made by engines of their own until all that can be compressed is; then they repeat, but for the numbers
of the streams. So only the gateway's work is measured.
"""

from collections.abc import Iterator

from ngh2 import Configuration, Connection, Role
from ngh2.events import RequestReceived, StreamClosed

from benchmarks.micro.timing import Work
from benchmarks.micro.wired import Transport, Wire

AT_ONCE = 8
_BATCHES = 5
"""After so many all fields are in the tables of the compression."""
_INITIAL_WINDOW_SIZE, _WIDE = 4, 1 << 30
_DATA, _HEADERS, _WINDOW_UPDATE = 0, 1, 8
BODY = b"\0\0\0\0\x64" + b"x" * 100
REQUEST = (
    (b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"bench.example.com"), (b":path", b"/svc/Say"),
    (b"content-type", b"application/grpc"), (b"te", b"trailers"), (b"user-agent", b"h2load nghttp2/1.52.0"),
)  # fmt: skip
RESPONSE = (
    (b":status", b"200"), (b"server", b"nghttpd nghttp2/1.52.0"), (b"cache-control", b"max-age=3600"),
    (b"date", b"Sun, 22 Nov 2026 20:00:00 GMT"), (b"content-type", b"application/grpc"), (b"trailer", b"grpc-status"),
)  # fmt: skip
TRAILERS = ((b"grpc-status", b"0"),)


class Peer:
    """The other end of a connection: an engine, then what it has said last with new numbers."""

    def __init__(self, role: Role) -> None:
        self._engine = Connection(role, Configuration())
        self._engine.initiate_connection({_INITIAL_WINDOW_SIZE: _WIDE})
        self._engine.set_local_window_size(_WIDE)
        self._last = bytearray()
        self._numbers: list[int] = []

    def says(self) -> bytes:
        return self._engine.data_to_send()

    def hears(self, octets: bytes) -> int:
        """How many streams that ended. Requests are answered."""
        self._engine.receive_data(octets)
        events = self._engine.events()
        for event in events:
            if isinstance(event, RequestReceived):
                self._engine.send_response(event.stream_id, RESPONSE)
                self._engine.send_data(event.stream_id, BODY)
                self._engine.send_trailers(event.stream_id, TRAILERS)
        return sum(isinstance(event, StreamClosed) for event in events)

    def calls(self) -> bytes:
        for _ in range(AT_ONCE):
            stream = self._engine.send_request(REQUEST)
            self._engine.send_data(stream, BODY, end_stream=True)
        return self.says()

    def keep(self, batch: bytes) -> None:
        """What `repeat` is to repeat: the messages, and one frame that gives the octets of the other side back."""
        window = _frame(_WINDOW_UPDATE, (AT_ONCE * len(BODY)).to_bytes(4, "big"))
        self._last = bytearray(
            b"".join([*(frame for kind, frame in _frames(batch) if kind in (_DATA, _HEADERS)), window])
        )
        at = 0
        for kind, frame in _frames(bytes(self._last)):
            if kind != _WINDOW_UPDATE:
                self._numbers.append(at + 5)
            at += len(frame)

    def repeat(self) -> bytes:
        last = self._last
        for at in self._numbers:
            last[at : at + 4] = (int.from_bytes(last[at : at + 4], "big") + 2 * AT_ONCE).to_bytes(4, "big")
        return bytes(last)


def _frames(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and octets of each."""
    while octets:
        end = 9 + int.from_bytes(octets[:3], "big")
        yield octets[3], octets[:end]
        octets = octets[end:]


def _frame(kind: int, payload: bytes) -> bytes:
    """Of the connection."""
    return len(payload).to_bytes(3, "big") + bytes((kind, 0, 0, 0, 0, 0)) + payload


def _taken(transport: Transport) -> bytes:
    assert transport.kept is not None
    octets = b"".join(transport.kept)
    transport.kept.clear()
    return octets


def calls() -> Work:
    """Eight at a time, over one connection on either side."""
    wire = Wire(protocol="h2")
    client, endpoint = Peer(Role.CLIENT), Peer(Role.SERVER)
    for _ in range(_BATCHES):
        asked, answers = _batch(wire, client, endpoint)
    client.keep(asked)
    endpoint.keep(answers)
    transport, (upstream,) = wire.transport, wire.loop.transports
    transport.kept = upstream.kept = None
    from_client, from_endpoint = wire.from_client, wire.from_endpoint

    def work(count: int) -> None:
        before = transport.octets
        for _ in range(count):
            from_client(client.repeat())
            from_endpoint(endpoint.repeat())
        assert transport.octets - before > count * AT_ONCE * len(BODY), "answers are missing"

    return work


def _batch(wire: Wire, client: Peer, endpoint: Peer) -> tuple[bytes, bytes]:
    """What the client has asked, and what the endpoint has answered, in full."""
    asked = client.calls()
    wire.from_client(asked)
    wire.settle()  # the first makes the connection to the endpoint, which has to say its settings
    (upstream,) = wire.loop.transports
    ended, answers = 0, b""
    while ended < AT_ONCE:
        endpoint.hears(_taken(upstream))
        answers = endpoint.says()
        assert answers, "the endpoint was not asked"
        wire.from_endpoint(answers)
        ended += client.hears(_taken(wire.transport))
    return asked, answers
