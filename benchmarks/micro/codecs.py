"""python -m benchmarks.micro.codecs: the HTTP/1 codecs alone, one message in and one out.

The server codec gets a request and sends a ready response of 200 octets; the client codec sends a ready
request and gets a response. Nothing is routed, nothing forwarded; carriers and sinks do nothing.
"""

import sys
from collections.abc import Sequence

from benchmarks.micro import messages
from benchmarks.micro.timing import Work, main
from proxy.errors import ProxyError
from proxy.protocol.http1.client import ClientCodec
from proxy.protocol.http1.request_head import parse_request
from proxy.protocol.http1.server import ServerCodec
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Request, Response
from proxy.protocol.stream import DownstreamStream

_BODY = b"x" * 200


class Nothing:
    """A carrier of both kinds that carries nothing."""

    def write(self, data: bytes) -> None: ...

    def writelines(self, pieces: list[bytes]) -> None: ...

    def write_eof(self) -> None: ...

    def finish(self, linger: bool) -> None:
        raise AssertionError("the codec closed its connection")

    def abort(self) -> None:
        raise AssertionError("the codec aborted its connection")

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def await_head(self, begun: bool) -> None: ...

    def await_body(self, received: int) -> None: ...

    def released(self, reusable: bool) -> None:
        assert reusable


class Answerer:
    """A request sink that answers a whole request at once."""

    def __init__(self, stream: DownstreamStream, request: Request, end: bool) -> None:
        self._stream = stream
        if end:
            self._answer()

    def _answer(self) -> None:
        fields = [(b"content-type", b"text/plain"), (b"content-length", b"200")]
        self._stream.send_head(Response(200, fields, 200), False)
        self._stream.send_data(_BODY)
        self._stream.send_end(None)

    def on_request_data(self, chunk: bytes) -> None: ...

    def on_request_idle(self) -> None: ...

    def on_request_end(self, trailers: Headers | None) -> None:
        self._answer()

    def on_request_reset(self, error: ProxyError) -> None:
        raise AssertionError(error)

    def on_downstream_blocked(self) -> None: ...

    def on_downstream_writable(self) -> None: ...


class Listener:
    """A response sink that only counts."""

    def __init__(self) -> None:
        self.ended = 0

    def on_response_informational(self, response: Response) -> None: ...

    def on_response_head(self, response: Response, end: bool) -> None: ...

    def on_response_data(self, chunk: bytes) -> None: ...

    def on_response_idle(self) -> None: ...

    def on_response_end(self, trailers: Headers | None) -> None:
        self.ended += 1

    def on_response_reset(self, error: ProxyError) -> None:
        raise AssertionError(error)

    def on_upstream_blocked(self) -> None: ...

    def on_upstream_writable(self) -> None: ...


def _refuse(stream: DownstreamStream, error: ProxyError) -> None:
    raise AssertionError(error)


def server(request: bytes) -> Work:
    codec, pieces = ServerCodec(Nothing(), Answerer, _refuse, Limits()), messages.reads(request)

    def work(count: int) -> None:
        feed = codec.feed
        for _ in range(count):
            for piece in pieces:
                feed(piece)

    return work


def client(response: bytes) -> Work:
    codec, sink, pieces = ClientCodec(Nothing(), Limits()), Listener(), messages.reads(response)
    request = parse_request(messages.get(), Limits())

    def work(count: int) -> None:
        sink.ended = 0
        for _ in range(count):
            codec.begin(sink)
            codec.send_head(request, True)
            for piece in pieces:
                codec.feed(piece)
        assert sink.ended == count

    return work


def works() -> dict[str, Work]:
    kib = 1024
    requests: Sequence[tuple[str, bytes]] = [
        ("GET, 2 headers", messages.get()),
        ("GET, 12 browser headers", messages.BROWSER),
        ("POST 10 KiB", messages.post(10 * kib)),
        ("POST 10 KiB chunked", messages.post_chunked(10 * kib)),
    ]
    responses: Sequence[tuple[str, bytes]] = [
        ("200 B", messages.answer(200)),
        ("10 KiB", messages.answer(10 * kib)),
        ("10 KiB chunked", messages.answer_chunked(10 * kib)),
        ("1 MiB", messages.answer(kib * kib)),
    ]
    return {f"server: {name}": server(message) for name, message in requests} | {
        f"client: {name}": client(message) for name, message in responses
    }


if __name__ == "__main__":
    sys.exit(main(__doc__, works, "message pair"))
