"""A protocol that exists in memory only: many streams on one connection, each with its own flow control.

What HTTP/2 will be to the exchange, without a byte of HTTP/2. The endpoint's side is the real HTTP/1
client codec on a wire that is a list, so that a test sees every octet that leaves.
"""

from proxy.downstream.dataplane import DataPlane
from proxy.errors import ProxyError
from proxy.forward.exchange import Exchange
from proxy.forward.origin import Origin, Port
from proxy.protocol.http1.client import ClientCodec
from proxy.protocol.http1.server import ServerCodec
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Request, Response
from proxy.protocol.stream import DownstreamStream, RequestSink
from proxy.upstream.contexts import CLEAR
from proxy.wheel import Deadline, Wheel
from tests.playbook import Wire

Frame = tuple[object, ...]


class MemoryStream:
    """One request and its response: a DownstreamStream that writes frames."""

    def __init__(self, connection: "MemoryConnection", number: int) -> None:
        self._connection = connection
        self.number = number
        self.sink: RequestSink | None = None
        self.paused = False

    def _send(self, *frame: object) -> None:
        self._connection.sent.append((self.number, *frame))

    def send_informational(self, response: Response) -> None:
        self._send("informational", response.status)

    def send_head(self, response: Response, end: bool) -> None:
        self._send("head", response.status, end)

    def send_data(self, chunk: bytes) -> None:
        self._send("data", chunk)

    def send_end(self, trailers: Headers | None) -> None:
        self._send("end", trailers)

    def flush(self) -> None:
        """Frames are never held back."""

    def reset(self, error: ProxyError) -> None:
        self._send("reset", error.reason)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


class MemoryConnection:
    """One client connection with any number of streams at the same time."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self.streams: dict[int, MemoryStream] = {}
        self.sent: list[Frame] = []

    def head(self, number: int, request: Request, *, end: bool) -> MemoryStream:
        stream = self.streams[number] = MemoryStream(self, number)
        exchange = Exchange(self._origin, stream, request)
        stream.sink = exchange
        exchange.begin(end)
        return stream

    def data(self, number: int, chunk: bytes) -> None:
        sink = self._sink(number)
        sink.on_request_data(chunk)
        sink.on_request_idle()

    def end(self, number: int, trailers: Headers | None = None) -> None:
        self._sink(number).on_request_end(trailers)

    def reset(self, number: int, error: ProxyError) -> None:
        self._sink(number).on_request_reset(error)

    def _sink(self, number: int) -> RequestSink:
        sink = self.streams[number].sink
        assert sink is not None
        return sink

    def frames(self, number: int) -> list[Frame]:
        return [frame[1:] for frame in self.sent if frame[0] == number]


class Http1Connection:
    """The same origin behind the HTTP/1 codec."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self.wire = Wire()
        self.codec = ServerCodec(self.wire, self._start, self._refuse, Limits())

    def _start(self, stream: DownstreamStream, request: Request, end: bool) -> RequestSink:
        exchange = Exchange(self._origin, stream, request)
        exchange.begin(end)
        return exchange

    def _refuse(self, stream: DownstreamStream, error: ProxyError) -> None:
        raise AssertionError(error)


class MemoryUpstream:
    """What a pool hands out: the client codec over a wire in memory."""

    def __init__(self, wheel: Wheel, codec: type[ClientCodec] = ClientCodec) -> None:
        self.wire = Wire()
        self.codec = codec(self.wire, Limits())
        self.deadline = Deadline(wheel, self.codec.timed_out)
        self.reused = False


class MemoryPool:
    """A pool in which every connection is there at once, or when the test says so."""

    label = "memory:0"
    identity = CLEAR
    active = 0

    def __init__(self, *, at_once: bool = True) -> None:
        self.at_once = at_once
        self.made: list[MemoryUpstream] = []
        self.waiting: list[Exchange] = []
        self.forgotten: list[Exchange] = []
        self._wheel = Wheel(lambda: 0.0, lambda at: None)

    def take(self) -> MemoryUpstream | None:
        if not self.at_once:
            return None
        self.made.append(MemoryUpstream(self._wheel))
        return self.made[-1]

    def request(self, waiter: Exchange, *, fresh: bool = False) -> None:
        self.waiting.append(waiter)

    def forget(self, waiter: Exchange) -> None:
        self.forgotten.append(waiter)

    def connect(self, codec: type[ClientCodec] = ClientCodec) -> MemoryUpstream:
        """The connection that the first waiter asked for is there."""
        connection = MemoryUpstream(self._wheel, codec)
        self.made.append(connection)
        self.waiting.pop(0).on_connected(connection)  # type: ignore[arg-type]
        return connection


def origin_over(plane: DataPlane, pool: MemoryPool, port: int) -> Origin:
    """Where exchanges come from, with every endpoint of the snapshot replaced by the pool."""
    for upstream in plane._registry._upstreams.values():
        upstream.pools = (pool,)  # type: ignore[assignment]
    bound = next(iter(plane._ports.values()))
    return Origin(plane._plane, Port(80, bound.port.table), plane._plane.forwarding.client("192.0.2.1", "http", port))


def asking(method: bytes = b"GET", path: bytes = b"/a", length: int = 0) -> Request:
    request = Request()
    request.method = method
    request.raw_path = request.path = path
    request.host = b"a"
    request.headers = [(b"host", b"a")]
    if length > 0:
        request.headers.append((b"content-length", b"%d" % length))
    request.content_length = length
    return request
