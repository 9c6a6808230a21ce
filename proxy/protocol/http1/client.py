"""Client side of one HTTP/1 connection: told to send a request, it writes; fed bytes, it calls a sink.

One request at a time. After each the connection says whether it may be used again; whatever is not
exactly one whole response to a whole request makes it unusable.
"""

from typing import Protocol

from proxy.errors import MalformedResponse, ProxyError, UpstreamClosed, UpstreamTimeout, UpstreamTruncated
from proxy.protocol.fields import tokens
from proxy.protocol.framing import ChunkedDecoder
from proxy.protocol.http1.encode import encode_last_chunk, encode_request
from proxy.protocol.http1.pieces import CLOSED, PieceSender
from proxy.protocol.http1.response_head import RepeatedResponse, ResponseHead, parse_response
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Request
from proxy.protocol.stream import ResponseSink

IDLE, HEAD, COUNTED, CHUNKED, UNTIL_CLOSE, TUNNEL = range(6)


class UpstreamCarrier(Protocol):
    """What carries the bytes to the endpoint."""

    def write(self, data: bytes) -> None: ...

    def writelines(self, pieces: list[bytes]) -> None: ...

    def write_eof(self) -> None: ...

    def abort(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def released(self, reusable: bool) -> None:
        """The exchange is over; the connection is idle (`reusable`) or to be closed."""


class ClientCodec(PieceSender):
    """RFC 9112, client role."""

    __slots__ = ("_buffer", "_decoder", "_interim", "_keep_alive", "_left", "_limits", "_method",
                 "_reading", "_repeated", "_request_done", "_scanned", "_sink", "_upgrade", "answered")  # fmt: skip

    _carrier: UpstreamCarrier

    def __init__(self, carrier: UpstreamCarrier, limits: Limits, repeated: RepeatedResponse | None = None) -> None:
        """`repeated` may be shared by all connections to one endpoint."""
        super().__init__(carrier, IDLE)
        self._repeated = repeated
        self._limits = limits
        self._sink: ResponseSink | None = None
        self._buffer = b""
        self._scanned = 0
        self._decoder: ChunkedDecoder | None = None
        self._left = 0
        self._interim = 0
        self._method = b""
        self._upgrade = b""
        self._keep_alive = True
        self._request_done = True
        self._reading = True
        self.answered = False
        """An octet of the response to the current request has arrived."""

    # --- sending (UpstreamStream) ------------------------------------------------------------

    def begin(self, sink: ResponseSink) -> None:
        """The next request's response goes to `sink`."""
        self._sink = sink
        self._state = HEAD
        self._interim = 0
        self.answered = False

    def hand_over(self, sink: ResponseSink) -> None:
        """What is still to come of the response goes to another sink."""
        self._sink = sink

    def send_head(self, request: Request, end: bool) -> None:
        self._method = request.method
        self._upgrade = request.upgrade
        self._request_done = end
        self._chunked_out = not end and request.content_length < 0
        head = encode_request(request, end)
        if end:
            self._carrier.write(head)
        else:
            self._out.append(head)

    def send_data(self, chunk: bytes) -> None:
        if self._state == TUNNEL:
            self._carrier.write(chunk)
        else:
            PieceSender.send_data(self, chunk)

    def send_end(self, trailers: Headers | None) -> None:
        if self._state == TUNNEL:
            self._carrier.write_eof()
            return
        if self._chunked_out:
            self._out.append(encode_last_chunk(trailers))
        self._request_done = True
        self.flush()

    def reset(self, error: ProxyError) -> None:
        """The exchange gives up: nobody listens any more, and the connection cannot be used again."""
        if self._state != CLOSED:
            self._state = CLOSED
            self._sink = None
            self._out.clear()
            self._carrier.abort()

    def pause(self) -> None:
        if self._reading:
            self._reading = False
            self._carrier.pause_reading()

    def resume(self) -> None:
        if not self._reading:
            self._reading = True
            self._carrier.resume_reading()

    # --- receiving ---------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Octets from the endpoint, in order; any split is fine."""
        state = self._state
        if state == HEAD:
            self.answered = True
            self._feed_head(self._buffer + data if self._buffer else data)
        elif state == COUNTED:
            self._feed_counted(data)
        elif state == CHUNKED:
            self._feed_chunked(data)
        elif state in (UNTIL_CLOSE, TUNNEL):
            sink = self._sink
            if sink is not None:
                sink.on_response_data(data)
                sink.on_response_idle()
        elif state == IDLE:
            # An answer nobody asked for: whatever it is, the next request must not get it.
            self._state = CLOSED
            self._carrier.abort()

    def _feed_head(self, data: bytes) -> None:
        while True:
            end = data.find(b"\r\n\r\n", self._scanned)
            if end < 0:
                self._buffer = data
                self._scanned = max(0, len(data) - 3)
                self._check_partial_head(data)
                return
            self._buffer = b""
            self._scanned = 0
            end += 4
            try:
                start = data if end == len(data) else data[:end]
                head = parse_response(start, self._method, self._limits, self._repeated)
            except ProxyError as error:
                self._fail(error)
                return
            data = data[end:]
            status = head.status
            if status >= 200:
                self._final(head, data)
                return
            if status == 101:
                self._switch(head, data)
                return
            self._interim += 1
            if self._interim > self._limits.interim_responses:
                self._fail(MalformedResponse("too_many_interim_responses", "1xx responses without a final one"))
                return
            sink = self._sink
            if sink is not None:
                sink.on_response_informational(head)
            if self._state != HEAD or not data:
                return

    def _check_partial_head(self, data: bytes) -> None:
        """Refuse at once what cannot become a head, so that nobody waits for a time limit."""
        if len(data) > self._limits.response_head:
            text = f"the response head is over {self._limits.response_head} octets"
            self._fail(MalformedResponse("response_head_too_large", text))
        elif data[:7] != b"HTTP/1."[: len(data)] or data.count(b"\n") != data.count(b"\r\n"):
            self._fail(MalformedResponse("bad_status_line", "the endpoint does not speak HTTP/1"))

    def _final(self, head: ResponseHead, data: bytes) -> None:
        self._keep_alive = head.keep_alive
        sink = self._sink
        assert sink is not None
        if head.content_length == 0:
            sink.on_response_head(head, True)
            self._finish(None, data)
            return
        if head.chunked:
            self._state = CHUNKED
            self._decoder = ChunkedDecoder(MalformedResponse, self._limits.chunk_line, self._limits.trailers)
        elif head.until_close:
            self._state = UNTIL_CLOSE
        elif len(data) == head.content_length:
            # Nearly every small response: all of it in one read.
            self._state = COUNTED
            sink.on_response_head(head, False)
            sink = self._sink  # another one, maybe: see hand_over
            if self._state == COUNTED and sink is not None:
                sink.on_response_data(data)
                self._finish(None, b"")
            return
        else:
            self._state = COUNTED
            self._left = head.content_length
        sink.on_response_head(head, False)
        if data and self._state != CLOSED:
            self.feed(data)
        elif self._state != CLOSED and self._sink is not None:
            self._sink.on_response_idle()

    def _switch(self, head: ResponseHead, data: bytes) -> None:
        """101: only what was asked for, and only once the request is whole (RFC 9110 section 15.2.2)."""
        chosen = tokens(head.upgrade)
        if not self._request_done or len(chosen) != 1 or chosen[0] not in tokens(self._upgrade):
            self._fail(MalformedResponse("unasked_upgrade", "101 for an upgrade that was not asked for"))
            return
        self._state = TUNNEL
        self._keep_alive = False
        sink = self._sink
        assert sink is not None
        sink.on_response_head(head, False)
        if data:
            self.feed(data)

    def _feed_counted(self, data: bytes) -> None:
        left = self._left - len(data)
        extra = b""
        if left < 0:
            data, extra = data[: self._left], data[self._left :]
            left = 0
        self._left = left
        sink = self._sink
        assert sink is not None
        sink.on_response_data(data)
        if not left:
            self._finish(None, extra)
        elif self._state != CLOSED:
            sink.on_response_idle()

    def _feed_chunked(self, data: bytes) -> None:
        decoder, sink = self._decoder, self._sink
        assert decoder is not None and sink is not None
        try:
            data = decoder.feed(data)
        except ProxyError as error:
            self._fail(error)
            return
        if data:
            sink.on_response_data(data)
        if decoder.done:
            self._finish(decoder.trailers, decoder.rest)
        elif self._state != CLOSED:
            sink.on_response_idle()

    def _finish(self, trailers: Headers | None, extra: bytes) -> None:
        """The response is whole. The connection is free before the sink hears of it, so it may take it at once."""
        sink, self._sink = self._sink, None
        if self._state == CLOSED or sink is None:
            return
        reusable = self._keep_alive and self._request_done and not extra
        self._decoder = None
        self._out.clear()
        self._state = IDLE if reusable else CLOSED
        if not self._reading:
            self.resume()
        self._carrier.released(reusable)
        sink.on_response_end(trailers)

    def _fail(self, error: ProxyError) -> None:
        sink, self._sink = self._sink, None
        self._state = CLOSED
        self._out.clear()
        self._carrier.abort()
        if sink is not None:
            sink.on_response_reset(error)

    def eof(self) -> None:
        """The endpoint sends no more: the end of a close-delimited body, or a cut."""
        state, sink = self._state, self._sink
        if state in (UNTIL_CLOSE, TUNNEL) and sink is not None:
            self._sink = None
            self._state = CLOSED
            self._carrier.released(False)
            sink.on_response_end(None)
        elif state == HEAD:
            self._fail(_closed_before_head(bool(self._buffer)))
        elif state in (COUNTED, CHUNKED):
            self._fail(UpstreamTruncated("upstream_closed_in_body", "the endpoint closed within its response body"))
        elif state != CLOSED:
            self._state = CLOSED
            self._carrier.abort()

    def cut(self) -> None:
        """The connection ended without the word that all was sent, which only its kind can miss (TLS): whatever only
        that end delimits is not whole (RFC 9112 section 9.8)."""
        if self._state in (UNTIL_CLOSE, TUNNEL):
            self._fail(UpstreamTruncated("upstream_truncated", "the endpoint's connection ended without close_notify"))
        else:
            self.eof()

    def broken(self, error: ProxyError) -> None:
        """What came is not to be trusted any more."""
        if self._state != CLOSED:
            self._fail(error)

    def lost(self, error: ProxyError | None) -> None:
        """The connection is gone; `error` says why when it was not a plain close."""
        state, sink = self._state, self._sink
        self._state = CLOSED
        self._sink = None
        self._out.clear()
        if sink is None:
            return
        if error is None and state == TUNNEL:
            sink.on_response_end(None)
        elif state == HEAD:
            sink.on_response_reset(error or _closed_before_head(bool(self._buffer)))
        else:
            cut = UpstreamTruncated(
                "upstream_reset_in_body", "the endpoint's connection broke within its response body"
            )
            sink.on_response_reset(error or cut)

    def timed_out(self) -> None:
        """No octet within the time allowed: the connection is in an unknown state and goes."""
        if self._state == HEAD:
            self._fail(UpstreamTimeout("response_head_timeout", "no response head in time"))
        elif self._state not in (IDLE, CLOSED):
            self._fail(UpstreamTimeout("idle_timeout", "no octet in either direction for too long"))

    def blocked(self) -> None:
        if self._sink is not None:
            self._sink.on_upstream_blocked()

    def writable(self) -> None:
        if self._sink is not None:
            self._sink.on_upstream_writable()


def _closed_before_head(begun: bool) -> ProxyError:
    if begun:
        return UpstreamClosed("upstream_closed_in_head", "the endpoint closed within its response head")
    return UpstreamClosed("upstream_closed_before_response", "the endpoint closed before it answered")
