"""One request of a client and its response: a DownstreamStream (protocol.stream)."""

from base64 import b64encode
from random import randbytes
from typing import TYPE_CHECKING

from proxy.errors import ClientGone, ProxyError, RequestTimeout
from proxy.protocol.http2.carrier import Pace
from proxy.protocol.http2.engine import EngineError
from proxy.protocol.http2.sections import fields_section, response_section
from proxy.protocol.http2.stream import CANCEL, INTERNAL_ERROR, Stream
from proxy.protocol.message import Headers, Request, Response
from proxy.protocol.stream import RequestSink

if TYPE_CHECKING:
    from proxy.protocol.http2.server import ServerCodec, Starter


class ServerStream(Stream):
    """Half-closed by the client when `_request_done`, by us when `_response_done`."""

    __slots__ = ("_all_said", "_early", "_pace", "_request_done", "_response_done", "_sink", "_tunnel",
                 "_unhurried")  # fmt: skip

    _session: "ServerCodec"

    def __init__(self, session: "ServerCodec", stream_id: int, end: bool) -> None:
        # Those of Stream, too: a constructor on a constructor costs 0.15 µs per request.
        self._session = session
        self.id = stream_id
        self._paused = self._held = False
        self._unacknowledged = self.sent = 0
        self.seen = -1
        self._request_done = end
        self._response_done = False
        self._all_said = False
        """The response's head ended the stream."""
        self._tunnel = False
        self._early: list[bytes] | None = None
        """What a client that wants a tunnel sends before it has one."""
        self._pace: Pace | None = None
        self._sink: RequestSink | None = None
        self._unhurried = False
        """The body may take its time."""

    def begin(self, request: Request, start: "Starter") -> None:
        end = self._request_done
        if request.upgrade:
            # RFC 8441: what in HTTP/1 follows the 101 comes in DATA here, whether we have agreed yet or not.
            self._early = []
            request.headers.append((b"sec-websocket-key", b64encode(randbytes(16))))
            self.pause()
        sink = start(self, request, end or self._early is not None)
        if not self._response_done:
            self._sink = sink
            if not end:
                self._session.restless(self)

    # --- receiving ---------------------------------------------------------------------------

    def received(self, data: bytes, end: bool) -> None:
        sink = self._sink
        if sink is None:
            # The response is complete, or the request was refused: its rest is read and dropped.
            self._session.acknowledge(self.id, len(data))
            self._request_done = self._request_done or end
            return
        if self._early is not None:
            self._early.append(data)
            self._unacknowledged += len(data)
            self._request_done = end
            return
        if self._pace is not None and not end:
            # Before the sink hears of it: while it holds the client back, no time runs.
            self._pace.received(len(data))
        if data:
            sink.on_request_data(data)
            self._take(len(data))
        if end:
            self.ended(None)
        else:
            self._session.restless(self)

    def idle(self) -> None:
        if self._sink is not None and self._early is None and not self._request_done:
            if self._pace is None and not (self._tunnel or self._unhurried):
                self._pace = self._session.carrier.pace(self._late)
                if self._paused:
                    self._pace.pause()
            self._sink.on_request_idle()

    def ended(self, trailers: Headers | None) -> None:
        """The request is whole."""
        self._request_done = True
        self._stop_pace()
        if self._sink is not None:
            self._sink.on_request_end(trailers)

    def broken(self, error: ProxyError) -> None:
        """The request cannot become whole any more; its response can still be sent."""
        self._stop_pace()
        if self._sink is not None:
            self._sink.on_request_reset(error)

    def _late(self) -> None:
        self.broken(RequestTimeout("request_body_timeout", "the request body did not come in time"))

    def pause(self) -> None:
        if self._pace is not None and not self._paused:
            self._pace.pause()
        super().pause()

    def resume(self) -> None:
        if self._tunnel and self._early is not None:
            self._enter_tunnel(self._early)
        if self._pace is not None and self._paused:
            self._pace.resume()
        super().resume()

    def _enter_tunnel(self, early: list[bytes]) -> None:
        """What came before the 101 goes through it now: octets, or the end of them."""
        self._early = None
        sink = self._sink
        if sink is None:
            return
        data = b"".join(early)
        if data:
            sink.on_request_data(data)
            sink.on_request_idle()
        if self._request_done:
            sink.on_request_end(None)

    def peer_is_silent(self) -> None:
        """The client has closed its half of the connection."""
        if not self._request_done:
            self._vanish(ClientGone("client_closed_in_body", "the client closed within its request body"))

    def over(self, error_code: int, malformed: bool) -> None:
        if self._response_done and self._sink is None:
            return
        unanswered = not self._response_done
        if malformed:
            self._session.carrier.refused("malformed")
        self._vanish(ClientGone("stream_error" if malformed else "stream_reset"))
        if unanswered:
            self._session.taken_back()

    def lost(self, reason: str) -> None:
        self._vanish(ClientGone(reason))

    def _vanish(self, error: ClientGone) -> None:
        self._stop_pace()
        self._response_done = True
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.on_request_reset(error)

    def unhurried(self) -> None:
        self._unhurried = True
        self._stop_pace()

    def _stop_pace(self) -> None:
        if self._pace is not None:
            self._pace.stop()
            self._pace = None

    # --- sending (DownstreamStream) ----------------------------------------------------------

    def send_informational(self, response: Response) -> None:
        if not self._response_done and not self._session.closed:
            try:
                self._session.engine.send_informational_response(self.id, response_section(response))
            except EngineError:
                return
            self._session.schedule()

    def send_head(self, response: Response, end: bool) -> None:
        section = response_section(response)
        if response.status == 101:
            self._tunnel = True
            section = [field for field in section if field[0] != b"sec-websocket-accept"]
        self._all_said = end
        if self._session.closed:
            return
        try:
            self._session.engine.send_response(self.id, section, end_stream=end)
        except EngineError:
            return  # closed meanwhile: the event says so
        if not self._session.scheduled:
            self._session.schedule()

    def send_end(self, trailers: Headers | None) -> None:
        if not self._all_said:
            self._send_end(fields_section(trailers) if trailers else None)
            self._session.watch()
        self._stop_pace()
        self._sink = None
        self._response_done = True
        if not self._request_done:
            self._session.leave(self)

    def reset(self, error: ProxyError) -> None:
        """The response cannot be completed."""
        self._stop_pace()
        self._sink = None
        self._response_done = True
        self._session.reset(self, CANCEL if isinstance(error, ClientGone) else INTERNAL_ERROR)

    def stalled(self) -> None:
        self._session.reset(self, CANCEL)

    def _tell_blocked(self) -> None:
        if self._sink is not None:
            self._sink.on_downstream_blocked()

    def _tell_writable(self) -> None:
        if self._sink is not None:
            self._sink.on_downstream_writable()
