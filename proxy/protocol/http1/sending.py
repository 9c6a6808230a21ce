"""How a response leaves: its framing and connection fields.

The sending half of the server codec, and the states that both halves share.
"""

from proxy.protocol.http1.carrier import Carrier
from proxy.protocol.http1.encode import encode_response
from proxy.protocol.http1.pieces import CLOSED, PieceSender
from proxy.protocol.message import Headers, Response

HEAD, BODY, WAIT, TUNNEL = range(4)


class ResponseSender(PieceSender):
    """Where the connection stands, and the response to its request in flight."""

    __slots__ = ("_draining", "_keep_alive", "_method", "_request_done", "_version")

    _carrier: Carrier

    def __init__(self, carrier: Carrier) -> None:
        super().__init__(carrier, HEAD)
        self._draining = False
        self._method = b""
        self._version = 11
        self._request_done = True
        self._keep_alive = True

    def drain(self) -> None:
        """From now on every answer says that it is the last on its connection (RFC 9112 section 9.6)."""
        self._draining = True

    def unhurried(self) -> None:
        """Nothing asks for it here: calls of gRPC are HTTP/2."""

    def send_informational(self, response: Response) -> None:
        if self._version == 11 and self._state != CLOSED:
            self._carrier.write(encode_response(response))

    def send_head(self, response: Response, end: bool) -> None:
        if response.status == 101:
            self._out.append(encode_response(response, (b"connection: upgrade", b"upgrade: " + response.upgrade)))
            self._state = TUNNEL
            self._keep_alive = False
            self.flush()
            return
        lines = self._frame_response(response, end)
        if self._draining or not self._request_done:
            self._keep_alive = False
        if not self._keep_alive:
            lines = (*lines, b"connection: close")
        elif self._version == 10:
            lines = (*lines, b"connection: keep-alive")
        self._out.append(encode_response(response, lines))

    def _frame_response(self, response: Response, end: bool) -> tuple[bytes, ...]:
        """RFC 9112 section 6: chunked where the length is unknown, or until close for HTTP/1.0."""
        self._chunked_out = False
        if self._method == b"HEAD":
            return ()
        if end:
            bodyless = response.status in (204, 304) or _has_length(response.headers)
            return () if bodyless else (b"content-length: 0",)
        if response.content_length >= 0:
            return ()
        if self._version == 11:
            self._chunked_out = True
            return (b"transfer-encoding: chunked",)
        self._keep_alive = False
        return ()


def _has_length(headers: Headers) -> bool:
    return any(name == b"content-length" for name, _ in headers)
