"""One request to an endpoint and its response: an UpstreamStream (protocol.stream)."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from hashlib import sha1
from typing import TYPE_CHECKING

from proxy.errors import (
    MalformedResponse,
    ProxyError,
    UpstreamClosed,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamTruncated,
)
from proxy.protocol.http2.engine import EngineError
from proxy.protocol.http2.sections import fields_section, request_section, wants_tunnel
from proxy.protocol.http2.stream import CANCEL, NO_ERROR, REFUSED_STREAM, Stream
from proxy.protocol.message import Headers, Request, Response
from proxy.protocol.stream import ResponseSink

if TYPE_CHECKING:
    from proxy.protocol.http2.client import ClientCodec

_WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 section 1.3."""
Section = Sequence[tuple[bytes, bytes]]


class ClientStream(Stream):
    """From `begin` to the call of `released`, which says that the exchange is over and its place free."""

    __slots__ = ("_all_said", "_head_done", "_interim", "_key", "_method", "_released", "_request_done", "_sink",
                 "_tunnel", "answered")  # fmt: skip

    _session: "ClientCodec"

    def __init__(self, session: "ClientCodec", released: Callable[[], None]) -> None:
        # Those of Stream, too: a constructor on a constructor costs 0.15 µs per request.
        self._session = session
        self.id = 0
        self._paused = self._held = False
        self._unacknowledged = self.sent = 0
        self.seen = -1
        self._released: Callable[[], None] | None = released
        self._sink: ResponseSink | None = None
        self._all_said = False
        """The request's head ended our half."""
        self._request_done = False
        self._head_done = False
        self._interim = 0
        self._method = b""
        self._tunnel = False
        self._key = b""
        """Of a WebSocket, as clients of HTTP/1 have it."""
        self.answered = False
        """An octet of the response has arrived."""

    # --- sending (UpstreamStream) ------------------------------------------------------------

    def begin(self, sink: ResponseSink) -> None:
        """The response goes to `sink`."""
        self._sink = sink

    def hand_over(self, sink: ResponseSink) -> None:
        """What is still to come of the response goes to another sink."""
        self._sink = sink

    def send_head(self, request: Request, end: bool) -> None:
        session = self._session
        self._method = request.method
        self._tunnel = wants_tunnel(request)
        if self._tunnel:
            self._key = dict(request.headers).get(b"sec-websocket-key", b"")
        self._all_said = self._request_done = end and not self._tunnel
        if self._tunnel and not session.tunnels:
            self._fail(MalformedResponse("no_extended_connect", "the endpoint takes no WebSocket over HTTP/2"))
            return
        try:
            self.id = session.engine.send_request(request_section(request, session.scheme), end_stream=self._all_said)
        except EngineError as error:
            session.look_for_goodbye()
            self._fail(UpstreamRefused("upstream_closed_before_request", str(error)))
            return
        session.register(self)
        if not session.scheduled:
            session.schedule()

    def send_end(self, trailers: Headers | None) -> None:
        self._request_done = True
        if not self._all_said:
            self._all_said = True
            self._send_end(fields_section(trailers) if trailers else None)

    def reset(self, error: ProxyError) -> None:
        """The exchange gives up: nobody listens any more."""
        self._sink = None
        self._end(CANCEL)

    # --- receiving ---------------------------------------------------------------------------

    def informational(self, section: Section) -> None:
        self.answered = True
        limits = self._session.limits
        self._interim += 1
        if self._interim > limits.interim_responses:
            self._fail(MalformedResponse("too_many_interim_responses", "1xx responses without a final one"))
            return
        try:
            response = self._session.reader.read(section, True, self._method)
        except ProxyError as error:
            self._fail(error)
            return
        if self._sink is not None:
            self._sink.on_response_informational(response)

    def head(self, section: Section, end: bool) -> None:
        self.answered = True
        try:
            response = self._session.reader.read(section, end, self._method)
        except ProxyError as error:
            self._fail(error)
            return
        self._head_done = True
        sink = self._sink
        if sink is None:
            return
        if self._tunnel and 200 <= response.status < 300 and not end:
            self._switch(response)
        else:
            self._tunnel = False
        sink.on_response_head(response, end)
        if end:
            self._finish(None)
        else:
            self._session.restless(self)

    def _switch(self, response: Response) -> None:
        """What the same answer is in HTTP/1, and the proof that its clients ask for: RFC 8441 has none."""
        response.status, response.upgrade = 101, b"websocket"
        response.headers = [field for field in response.headers if field[0] != b"sec-websocket-accept"]
        if self._key:
            proof = b64encode(sha1(self._key + _WEBSOCKET, usedforsecurity=False).digest())
            response.headers.append((b"sec-websocket-accept", proof))

    def received(self, data: bytes, end: bool) -> None:
        sink = self._sink
        if sink is None or not self._head_done:
            self._session.acknowledge(self.id, len(data))
            return
        if data:
            sink.on_response_data(data)
            self._take(len(data))
        if end:
            self._finish(None)
        else:
            self._session.restless(self)

    def idle(self) -> None:
        if self._sink is not None:
            self._sink.on_response_idle()

    def trailers(self, section: Section) -> None:
        try:
            trailers = self._session.reader.read_trailers(section)
        except ProxyError as error:
            self._fail(error)
            return
        self._finish(trailers)

    def _finish(self, trailers: Headers | None) -> None:
        """The response is whole. Its place is free before the sink hears of it, so it may take it at once."""
        sink, self._sink = self._sink, None
        if not self._request_done:
            # It does not want the rest of the request (RFC 9113 section 8.1).
            self._session.reset(self, NO_ERROR)
        self._release()
        if sink is not None:
            sink.on_response_end(trailers)

    def _release(self) -> None:
        if self._paused:
            self.resume()
        released, self._released = self._released, None
        if released is not None:
            released()

    # --- or it fails -------------------------------------------------------------------------

    def _fail(self, error: ProxyError) -> None:
        sink, self._sink = self._sink, None
        self._end(CANCEL)
        if sink is not None:
            sink.on_response_reset(error)

    def _end(self, error_code: int) -> None:
        if self.id:
            self._session.reset(self, error_code)
            self._session.given_up()
        self._release()

    def over(self, error_code: int, malformed: bool) -> None:
        """The engine has closed the stream. After a whole response that is news to nobody."""
        if self._sink is None:
            self._release()
        elif malformed:
            self._break(MalformedResponse("malformed_response", "the endpoint's answer is no response of HTTP/2"))
        elif error_code == REFUSED_STREAM and not self.answered:
            self.refused("refused_stream")
        elif self._head_done:
            self._break(UpstreamTruncated("upstream_reset_in_body", "the endpoint reset the stream in its response"))
        else:
            self._break(UpstreamClosed("upstream_reset_stream", f"the endpoint reset the stream (code {error_code})"))

    def refused(self, reason: str) -> None:
        """The endpoint has not looked at the request (RFC 9113 section 8.7)."""
        self._break(UpstreamRefused(f"upstream_{reason}", "the endpoint did not take the request"))

    def lost(self, reason: str) -> None:
        if self._head_done:
            self._break(UpstreamTruncated("upstream_reset_in_body", "the connection broke within the response"))
        else:
            self._break(UpstreamClosed("upstream_closed_before_response", f"the connection ended: {reason}"))

    def _break(self, error: ProxyError) -> None:
        sink, self._sink = self._sink, None
        self._release()
        if sink is not None:
            sink.on_response_reset(error)

    def timed_out(self) -> None:
        """No octet within the time allowed."""
        if self._sink is None:
            return
        if not self._head_done:
            self._fail(UpstreamTimeout("response_head_timeout", "no response head in time"))
        else:
            self._fail(UpstreamTimeout("idle_timeout", "no octet in either direction for too long"))

    def stalled(self) -> None:
        self._fail(UpstreamTimeout("write_stall", "the endpoint takes nothing of the request"))

    def _tell_blocked(self) -> None:
        if self._sink is not None:
            self._sink.on_upstream_blocked()

    def _tell_writable(self) -> None:
        if self._sink is not None:
            self._sink.on_upstream_writable()
