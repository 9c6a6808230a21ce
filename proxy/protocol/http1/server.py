"""Server side of one HTTP/1 connection: fed bytes, it calls a sink; told to send, it writes bytes.

The connection is the downstream stream of its one request in flight (protocol.stream). Requests that
come early (pipelining) wait, unparsed, until the response before them has gone out.

    HEAD -> BODY -> WAIT -> HEAD ...        BODY or WAIT -> TUNNEL after a 101
      any refusal, `Connection: close`, or an end that the client could not detect -> CLOSED
"""

from proxy.errors import ClientGone, MalformedRequest, ProxyError
from proxy.protocol.framing import ChunkedDecoder
from proxy.protocol.http1.carrier import Carrier, Refuser, Starter
from proxy.protocol.http1.encode import encode_last_chunk
from proxy.protocol.http1.pieces import CLOSED
from proxy.protocol.http1.request_head import Repeated, parse_request, refused_early
from proxy.protocol.http1.sending import BODY, HEAD, TUNNEL, WAIT, ResponseSender
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Request
from proxy.protocol.stream import RequestSink

PREFACE = b"PRI * HTTP/2.0\r\n\r\n"
"""What looks like a head in how a client of HTTP/2 begins."""
_LINGER = 256 * 1024
"""Octets of an unfinished request read and dropped after its early response, so that the client reads that."""


class ServerCodec(ResponseSender):
    """RFC 9112, server role."""

    __slots__ = ("_advancing", "_blocked", "_broken", "_buffer", "_decoder", "_eof", "_held_back",
                 "_left", "_limits", "_progress", "_reading", "_refuse", "_repeated", "_response_done", "_scanned",
                 "_sink", "_start", "_unread")  # fmt: skip

    def __init__(self, carrier: Carrier, start: Starter, refuse: Refuser, limits: Limits) -> None:
        super().__init__(carrier)
        self._start = start
        self._refuse = refuse
        self._limits = limits
        self._repeated = Repeated()
        # the connection
        self._buffer = b""
        self._scanned = 0
        self._advancing = False
        self._eof = False
        self._progress = 0
        """Of the response, when its client was last seen to have ended."""
        self._reading = True
        self._held_back = False
        self._blocked = False
        self._broken = False
        # the request in flight
        self._sink: RequestSink | None = None
        self._decoder: ChunkedDecoder | None = None
        self._left = 0
        self._unread = 0
        self._response_done = True

    # --- receiving ---------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """No request begun or in flight: the connection may be closed without losing one."""
        return self._state == HEAD and not self._buffer

    @property
    def tunnels(self) -> bool:
        """After a 101: octets are passed on, and only the connection's end delimits them."""
        return self._state == TUNNEL

    def feed(self, data: bytes) -> None:
        """Octets from the client, in order; any split is fine."""
        state = self._state
        if state == HEAD:
            if not self._buffer and len(data) > 4 and data.find(b"\r\n\r\n") == len(data) - 4:
                # Nearly every read: one whole head and nothing else.
                self._begin(data)
                return
            self._buffer += data
            self._advance()
        elif state == BODY:
            self._feed_body(data)
        elif state == TUNNEL:
            if self._sink is not None:
                self._sink.on_request_data(data)
                self._sink.on_request_idle()
        elif state == WAIT:
            self._buffer += data
            self._steer_reading()

    def _advance(self) -> None:
        """Begin one request after the other, as long as each is answered before the next is parsed.

        A loop and not a recursion: a client may pipeline thousands of requests that we answer ourselves. None
        begins while the client does not take the answers before it, else they would pile up here.
        """
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._state == HEAD and self._buffer and not self._blocked:
                end = self._buffer.find(b"\r\n\r\n", self._scanned)
                if end < 0:
                    self._check_partial_head()
                    break
                self._scanned = 0
                self._begin(self._cut(end + 4))
                if self._eof:
                    self._await_answer()
        finally:
            self._advancing = False
        if self._buffer:
            self._steer_reading()

    def _cut(self, at: int) -> bytes:
        """Take the first `at` octets off the buffer."""
        data = self._buffer
        if at == len(data):
            self._buffer = b""
            return data
        self._buffer = data[at:]
        return data[:at]

    def _check_partial_head(self) -> None:
        """Refuse early what cannot become a head, else wait for the rest of it."""
        error = refused_early(self._buffer, self._limits)
        if error is not None:
            self._fail(error)
            return
        if not self._scanned:
            self._carrier.await_head(True)
        self._scanned = max(1, len(self._buffer) - 3)

    def _begin(self, head: bytes) -> None:
        try:
            request = parse_request(head, self._limits, self._repeated)
        except ProxyError as error:
            if head == PREFACE and not self._method and self._is_for_another(head):
                return
            self._fail(error)
            return
        self._keep_alive = request.keep_alive
        self._method = request.method
        self._version = request.version
        self._response_done = False
        if request.content_length == 0:
            self._request_done = True
            self._state = WAIT
            self._begin_exchange(request, True)
            return
        self._request_done = False
        self._state = BODY
        self._left = request.content_length
        self._decoder = None
        if request.chunked:
            self._decoder = ChunkedDecoder(MalformedRequest, self._limits.chunk_line, self._limits.trailers)
        self._begin_exchange(request, False)
        data, self._buffer = self._buffer, b""
        if self._state == BODY:
            self._feed_body(data)

    def _is_for_another(self, head: bytes) -> bool:
        """HTTP/2, where it is spoken: what has come goes to its codec, and so will all that comes."""
        data, self._buffer, self._state = head + self._buffer, b"", CLOSED
        if self._carrier.preface(data):
            return True
        self._state = HEAD
        return False

    def _begin_exchange(self, request: Request, end: bool) -> None:
        self._sink = None
        sink = self._start(self, request, end)
        if not self._response_done:
            self._sink = sink

    def _feed_body(self, data: bytes) -> None:
        """Deliver body octets; what follows the message waits in the buffer."""
        decoder = self._decoder
        trailers: Headers | None = None
        if decoder is None:
            if len(data) > self._left:
                data, self._buffer = data[: self._left], data[self._left :]
            self._left -= len(data)
            done = not self._left
        else:
            try:
                data = decoder.feed(data)
            except ProxyError as error:
                self._break_request(error)
                return
            done, trailers = decoder.done, decoder.trailers
            if done:
                self._buffer = decoder.rest
        sink = self._sink
        if sink is None:
            self._discard(len(data), done)
            return
        if not done:
            # Before the sink hears of it: while it holds the client back, no time runs.
            self._carrier.await_body(len(data))
        if data:
            sink.on_request_data(data)
        if done:
            self._request_done = True
            if self._state == BODY:
                self._state = WAIT
                sink.on_request_end(trailers)
                if self._response_done and self._state == WAIT:
                    self._next()
                elif self._buffer:
                    self._steer_reading()
        elif self._state == BODY:
            sink.on_request_idle()

    def _discard(self, size: int, done: bool) -> None:
        """The response is complete but its request is not: read on for a while so that the client sees it."""
        self._unread -= size
        if done:
            self._request_done = True
            self._next()
        elif self._unread < 0:
            self._close(linger=True)
        else:
            self._carrier.await_body(size)

    def _break_request(self, error: ProxyError) -> None:
        """The body is malformed or late: the backend must not take what it has for whole."""
        sink, self._sink = self._sink, None
        self._keep_alive = False
        self._broken = True
        self._request_done = True
        self._buffer = b""
        if self._state == BODY:
            self._state = WAIT
        if sink is None or self._response_done:
            self._close(linger=True)
        else:
            sink.on_request_reset(error)

    def _fail(self, error: ProxyError) -> None:
        """Refuse what has come, answer once, close."""
        self._state = WAIT
        self._buffer = b""
        self._scanned = 0
        self._keep_alive = False
        self._broken = True
        self._request_done = True
        self._response_done = False
        self._method = b""
        self._version = 11
        self._refuse(self, error)

    def eof(self) -> None:
        """The client sends no more. It may still read: a request that is complete gets its answer, if that comes soon.
        Most clients that end here are gone, and nothing but an octet for them would tell (RFC 9112 section 9.5)."""
        self._eof = True
        if self._state == HEAD:
            self._close()
        elif self._state == WAIT:
            self._await_answer()
        elif self._state == BODY:
            self._break_request(ClientGone("client_closed_in_body", "the client closed within its request body"))
            self._close()
        elif self._state == TUNNEL and self._sink is not None:
            self._eof = False
            self._sink.on_request_end(None)

    def _await_answer(self) -> None:
        if self._sink is not None and self._state == WAIT:
            self._progress = self._sink.progress
            self._carrier.await_answer()

    def lost(self, reason: str) -> None:
        """The connection is gone."""
        self._state = CLOSED
        self._out.clear()
        self._buffer = b""
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.on_request_reset(ClientGone(reason))

    def blocked(self) -> None:
        """The client reads slower than we write. It is said once: an exchange that began now would not know."""
        self._blocked = True
        if self._sink is not None:
            self._sink.on_downstream_blocked()
        else:
            self._steer_reading()

    def writable(self) -> None:
        self._blocked = False
        if self._sink is not None:
            self._sink.on_downstream_writable()
        elif self._state == HEAD:
            self._steer_reading()
            self._advance()

    def timed_out(self, error: ProxyError) -> None:
        """The client did not send in time: answer if it has begun, close."""
        sink = self._sink
        if self._state == HEAD and self._buffer and not self._blocked:
            self._fail(error)
        elif self._state == HEAD:
            self._close()
        elif self._state == BODY:
            self._break_request(error)
        elif self._eof and self._state == WAIT and not self._blocked and sink and sink.progress == self._progress:
            # What was sent to a client that is gone would have been answered with a reset.
            self.lost("client_closed")
            self._carrier.abort()

    def cut(self, error: ProxyError) -> None:
        """The time to drain is over: who has no head yet is told so, the rest is reset."""
        if self._sink is None:
            self._close()
        elif self._request_done:
            self._keep_alive = False
            self._sink.on_request_reset(error)
        else:
            self._break_request(error)

    # --- sending (DownstreamStream) ----------------------------------------------------------

    def send_end(self, trailers: Headers | None) -> None:
        if self._chunked_out:
            self._out.append(encode_last_chunk(trailers))
            self._chunked_out = False
        self.flush()
        self._sink = None
        self._response_done = True
        self._held_back = False
        if self._state == WAIT and self._request_done:
            self._next()
        elif self._state == BODY:
            self._unread = _LINGER
            self._steer_reading()
        elif self._state == TUNNEL:
            self._close()

    def reset(self, error: ProxyError) -> None:
        """The response cannot be completed: end so that the client cannot take it for whole."""
        self._out.clear()
        self._sink = None
        self._state = CLOSED
        self._carrier.abort()

    def pause(self) -> None:
        self._held_back = True
        self._steer_reading()

    def resume(self) -> None:
        self._held_back = False
        if self._state == TUNNEL and self._sink is not None:
            self._enter_tunnel(self._sink)
        self._steer_reading()

    def _enter_tunnel(self, sink: RequestSink) -> None:
        """What came before the 101 goes through it now: octets, or the end of them."""
        data, self._buffer = self._buffer, b""
        if data:
            sink.on_request_data(data)
            sink.on_request_idle()
        if self._eof:
            self._eof = False
            sink.on_request_end(None)

    def _steer_reading(self) -> None:
        """Read unless the exchange holds the body back, or requests would come that must wait for their turn."""
        state = self._state
        reading = not (self._held_back or (self._buffer and state == WAIT) or (self._blocked and state == HEAD))
        if reading != self._reading:
            self._reading = reading
            if reading:
                self._carrier.resume_reading()
            else:
                self._carrier.pause_reading()

    # --- between requests --------------------------------------------------------------------

    def _next(self) -> None:
        """The exchange is over in both directions."""
        if not self._keep_alive:
            # Requests that came behind the last answer are not served: closing on them would reset it.
            self._close(linger=self._broken or bool(self._buffer))
            return
        self._state = HEAD
        self._decoder = None
        if self._blocked or not self._reading:
            self._steer_reading()
        if self._buffer and not self._blocked:
            self._advance()
        elif self._eof and not self._buffer:
            self._close()
        else:
            self._carrier.await_head(False)

    def _close(self, linger: bool = False) -> None:
        if self._state != CLOSED:
            self._state = CLOSED
            self._buffer = b""
            self._carrier.finish(linger and not self._eof)
