"""Playbooks: a codec test that reads as the trace of a wire.

    book = server().receives(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").starts(b"GET", b"/")
    book.replies(204).sends(b"HTTP/1.1 204 No Content\r\n\r\n").done()

Every step that looks (`starts`, `gets`, `ends`, `sends`, `closes` ...) consumes what it saw, and `done` fails
when something happened that no step named. `receives` can be cut anywhere: `server(split=1)` feeds octet by octet.
"""

from collections.abc import Iterator
from typing import Self

from proxy.errors import ProxyError
from proxy.protocol.http1.client import ClientCodec
from proxy.protocol.http1.server import ServerCodec
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Request, Response
from proxy.protocol.stream import DownstreamStream


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """`data` in pieces of `size` octets; 0 for one piece."""
    for at in range(0, len(data), size or max(1, len(data))):
        yield data[at : at + (size or len(data))]


class Wire:
    """A carrier that remembers: what was written, and how it was told to go on."""

    def __init__(self) -> None:
        self.written = b""
        self.signals: list[str] = []
        self.reading = True
        self.awaited = 0
        """How often an answer was awaited for a client that had ended its half."""

    def write(self, data: bytes) -> None:
        assert not {"closed", "aborted"} & set(self.signals), f"written after the end: {data!r}"
        assert data, "an empty write"
        self.written += data

    def writelines(self, parts: list[bytes]) -> None:
        self.write(b"".join(parts))

    def write_eof(self) -> None:
        self.signals.append("half-closed")

    def finish(self, linger: bool) -> None:
        self.signals.append("closed")

    def abort(self) -> None:
        self.signals.append("aborted")

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def await_head(self, begun: bool) -> None:
        """Deadlines are the connection's affair."""

    def await_answer(self) -> None:
        self.awaited += 1

    def await_body(self, received: int) -> None:
        """Deadlines are the connection's affair."""

    def preface(self, data: bytes) -> bool:
        """This wire speaks HTTP/1 alone."""
        return False

    def released(self, reusable: bool) -> None:
        self.signals.append("reusable" if reusable else "spent")


class RequestRecord:
    """The sink of one request: all that it was told."""

    def __init__(self, stream: DownstreamStream, request: Request | None, end: bool) -> None:
        self.stream = stream
        self.request = request
        self.body = b""
        self.ended = end
        self.trailers: Headers | None = None
        self.error: ProxyError | None = None
        self.blocked: list[bool] = []
        self.progress = 0

    def on_request_data(self, chunk: bytes) -> None:
        assert chunk and not self.ended and self.error is None
        self.body += chunk

    def on_request_end(self, trailers: Headers | None) -> None:
        assert not self.ended and self.error is None
        self.ended = True
        self.trailers = trailers

    def on_request_idle(self) -> None:
        assert self.error is None

    def on_request_reset(self, error: ProxyError) -> None:
        assert self.error is None
        self.error = error

    def on_downstream_blocked(self) -> None:
        self.blocked.append(True)

    def on_downstream_writable(self) -> None:
        self.blocked.append(False)


class RequestBook:
    """The requests of one connection, whatever HTTP it speaks, and what is looked at in them."""

    def __init__(self) -> None:
        self.requests: list[RequestRecord] = []
        self.refusals: list[ProxyError] = []
        self._seen = 0

    def _start(self, stream: DownstreamStream, request: Request, end: bool) -> RequestRecord:
        record = RequestRecord(stream, request, end)
        self.requests.append(record)
        return record

    def _refuse(self, stream: DownstreamStream, error: ProxyError, call: bool = False) -> None:
        self.refusals.append(error)
        stream.send_head(Response(error.status), True)
        stream.send_end(None)

    @property
    def now(self) -> RequestRecord:
        return self.requests[self._seen - 1]

    def starts(self, method: bytes, path: bytes, headers: Headers | None = None) -> Self:
        assert self._seen < len(self.requests), f"no request started; refused: {self.refusals}"
        self._seen += 1
        request = self.now.request
        assert request is not None
        assert (request.method, request.path) == (method, path)
        assert headers is None or request.headers == headers, request.headers
        return self

    def gets(self, body: bytes) -> Self:
        assert self.now.body == body
        self.now.body = b""
        return self

    def ends(self, trailers: Headers | None = None) -> Self:
        assert self.now.ended and self.now.trailers == trailers
        return self

    def is_open(self) -> Self:
        assert not self.now.ended and self.now.error is None
        return self

    def breaks(self, reason: str) -> Self:
        """The request cannot be completed."""
        assert self.now.error is not None and self.now.error.reason == reason, self.now.error
        return self


class ServerPlaybook(RequestBook):
    """A ServerCodec between a wire and the sinks of its requests."""

    def __init__(self, split: int = 0, limits: Limits | None = None) -> None:
        super().__init__()
        self.split = split
        self.wire = Wire()
        self.codec = ServerCodec(self.wire, self._start, self._refuse, limits or Limits())

    # --- what the peer does -------------------------------------------------------------------

    def receives(self, data: bytes) -> Self:
        for piece in pieces(data, self.split):
            self.codec.feed(piece)
        return self

    def receives_eof(self) -> Self:
        self.codec.eof()
        return self

    def is_lost(self) -> Self:
        self.codec.lost("reset")
        return self

    # --- what the exchange does ----------------------------------------------------------------

    def replies(
        self,
        status: int,
        headers: Headers | None = None,
        body: bytes = b"",
        trailers: Headers | None = None,
        length: int | None = None,
    ) -> Self:
        """A whole response; `length` is -1 for one whose length is not known beforehand."""
        self.replies_head(status, headers, len(body) if length is None else length, end=not body and length is None)
        if body:
            self.now.stream.send_data(body)
        self.now.stream.send_end(trailers)
        return self

    def replies_head(self, status: int, headers: Headers | None = None, length: int = 0, *, end: bool = False) -> Self:
        self.now.stream.send_head(Response(status, list(headers or []), length), end)
        return self

    def replies_data(self, data: bytes) -> Self:
        self.now.stream.send_data(data)
        self.now.stream.flush()
        return self

    def replies_end(self, trailers: Headers | None = None) -> Self:
        self.now.stream.send_end(trailers)
        return self

    def resets(self) -> Self:
        self.now.stream.reset(ProxyError("upstream_cut"))
        return self

    # --- what is seen ---------------------------------------------------------------------------

    def refuses(self, status: int) -> Self:
        assert self.refusals and self.refusals.pop(0).status == status
        return self

    def sends(self, data: bytes) -> Self:
        assert self.wire.written == data
        self.wire.written = b""
        return self

    def sends_status(self, status: int) -> Self:
        assert self.wire.written.startswith(b"HTTP/1.1 %d " % status), self.wire.written
        self.wire.written = b""
        return self

    def closes(self) -> Self:
        assert self.wire.signals == ["closed"], self.wire.signals
        return self

    def aborts(self) -> Self:
        assert self.wire.signals == ["aborted"], self.wire.signals
        return self

    def stays(self) -> Self:
        assert self.wire.signals == []
        return self

    def done(self) -> None:
        assert self._seen == len(self.requests), "a request that nobody expected"
        assert self.refusals == [] and self.wire.written == b""


class ResponseRecord:
    """The sink of the responses of one upstream connection."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.body = b""
        self.head: Response | None = None
        self.interim: list[Response] = []
        self.ended = False
        self.trailers: Headers | None = None
        self.error: ProxyError | None = None
        self.blocked: list[bool] = []

    def on_response_informational(self, response: Response) -> None:
        assert self.head is None and self.error is None
        self.interim.append(response)

    def on_response_head(self, response: Response, end: bool) -> None:
        assert self.head is None and self.error is None
        self.head = response

    def on_response_data(self, chunk: bytes) -> None:
        assert chunk and self.head is not None and not self.ended and self.error is None
        self.body += chunk

    def on_response_end(self, trailers: Headers | None) -> None:
        assert self.head is not None and not self.ended and self.error is None
        self.ended = True
        self.trailers = trailers

    def on_response_idle(self) -> None:
        assert not self.ended and self.error is None

    def on_response_reset(self, error: ProxyError) -> None:
        assert not self.ended and self.error is None
        self.error = error

    def on_upstream_blocked(self) -> None:
        self.blocked.append(True)

    def on_upstream_writable(self) -> None:
        self.blocked.append(False)


class ResponseBook:
    """What came of the request that was sent last, `record`; consumes what it saw. Serves the playbooks of clients."""

    def __init__(self) -> None:
        self.record = ResponseRecord()

    def head(self, status: int, headers: Headers | None = None) -> Self:
        assert self.record.head is not None, self.record.error
        assert self.record.head.status == status
        assert headers is None or self.record.head.headers == headers
        return self

    def gets(self, body: bytes) -> Self:
        assert self.record.body == body
        self.record.body = b""
        return self

    def ends(self, trailers: Headers | None = None) -> Self:
        assert self.record.ended and self.record.trailers == trailers
        return self

    def is_open(self) -> Self:
        assert not self.record.ended and self.record.error is None
        return self


class ClientPlaybook(ResponseBook):
    """A ClientCodec between the requests it is told to send and a wire."""

    def __init__(self, split: int = 0, limits: Limits | None = None) -> None:
        super().__init__()
        self.split = split
        self.wire = Wire()
        self.codec = ClientCodec(self.wire, limits or Limits())

    # --- what the exchange does ----------------------------------------------------------------

    def asks(self, method: bytes = b"GET", *, end: bool = True, length: int = 0, upgrade: bytes = b"") -> Self:
        request = Request()
        request.method = method
        request.headers = [(b"host", b"a")]
        request.content_length = length
        request.upgrade = upgrade
        self.record = ResponseRecord()
        self.codec.begin(self.record)
        self.codec.send_head(request, end)
        return self

    def asks_data(self, data: bytes) -> Self:
        self.codec.send_data(data)
        self.codec.flush()
        return self

    def asks_end(self, trailers: Headers | None = None) -> Self:
        self.codec.send_end(trailers)
        return self

    def gives_up(self) -> Self:
        self.codec.reset(ProxyError("given_up"))
        return self

    # --- what the endpoint does -----------------------------------------------------------------

    def receives(self, data: bytes) -> Self:
        for piece in pieces(data, self.split):
            self.codec.feed(piece)
        return self

    def receives_eof(self) -> Self:
        self.codec.eof()
        return self

    def is_lost(self, error: ProxyError | None = None) -> Self:
        self.codec.lost(error)
        return self

    # --- what is seen ---------------------------------------------------------------------------

    def sends(self, data: bytes) -> Self:
        assert self.wire.written == data
        self.wire.written = b""
        return self

    def interim(self, *statuses: int) -> Self:
        assert [response.status for response in self.record.interim] == list(statuses)
        return self

    def breaks(self, status: int) -> Self:
        assert self.record.error is not None and self.record.error.status == status, self.record.error
        return self

    def is_reusable(self) -> Self:
        assert self.wire.signals == ["reusable"], self.wire.signals
        self.wire.signals.clear()
        return self

    def is_spent(self) -> Self:
        """Never used again: given back as such, or cut off."""
        assert self.wire.signals and self.wire.signals[-1] in ("spent", "aborted"), self.wire.signals
        assert "reusable" not in self.wire.signals
        return self


def server(split: int = 0, limits: Limits | None = None) -> ServerPlaybook:
    return ServerPlaybook(split, limits)


def client(split: int = 0, limits: Limits | None = None) -> ClientPlaybook:
    return ClientPlaybook(split, limits)
