"""The seam where HTTP versions meet: four small interfaces of plain calls.

A *stream* is one request and its response on one connection. On HTTP/1 the connection is its own
stream; HTTP/2 makes one small object per stream id. The exchange (forward/exchange.py) stands in the
middle: it is the sink of both streams and the only caller of both.

    client --> DownstreamStream ==on_request_*==> Exchange --send_*--> UpstreamStream --> endpoint
    client <-- DownstreamStream <--send_*-- Exchange <==on_response_*== UpstreamStream <-- endpoint

Bodies are one call each way, `data(chunk)`, whether they were counted, chunked or framed.
Rules: after `end` or `reset` in a direction nothing more is called in that direction; `pause` may be
called at any time, and a stream may still deliver what it had already read.
"""

from typing import Protocol

from proxy.errors import ProxyError
from proxy.protocol.message import Headers, Request, Response


class RequestSink(Protocol):
    """Receives one request from a downstream stream."""

    def on_request_data(self, chunk: bytes) -> None: ...

    def on_request_end(self, trailers: Headers | None) -> None: ...

    def on_request_idle(self) -> None:
        """All that has arrived was delivered and the request is not complete: flush what is held back."""

    @property
    def progress(self) -> int:
        """Grows with all that is sent of the response."""

    def on_request_reset(self, error: ProxyError) -> None:
        """The client vanished or broke the protocol; nothing can be sent to it if `error` says ClientGone."""

    def on_downstream_blocked(self) -> None:
        """The client reads slower than we write: stop the response until `on_downstream_writable`."""

    def on_downstream_writable(self) -> None: ...


class ResponseSink(Protocol):
    """Receives one response from an upstream stream."""

    def on_response_informational(self, response: Response) -> None:
        """A 1xx other than 101 (RFC 9110 section 15.2)."""

    def on_response_head(self, response: Response, end: bool) -> None: ...

    def on_response_data(self, chunk: bytes) -> None: ...

    def on_response_end(self, trailers: Headers | None) -> None: ...

    def on_response_idle(self) -> None:
        """All that has arrived was delivered and the response is not complete: flush what is held back."""

    def on_response_reset(self, error: ProxyError) -> None: ...

    def on_upstream_blocked(self) -> None: ...

    def on_upstream_writable(self) -> None: ...


class DownstreamStream(Protocol):
    """Sends one response to the client."""

    def send_informational(self, response: Response) -> None: ...

    def send_head(self, response: Response, end: bool) -> None:
        """May be held back until the first data so that both leave in one write."""

    def send_data(self, chunk: bytes) -> None: ...

    def send_end(self, trailers: Headers | None) -> None: ...

    def flush(self) -> None: ...

    def reset(self, error: ProxyError) -> None:
        """End the stream so that the client cannot take it for whole."""

    def unhurried(self) -> None:
        """The request is a stream of messages, of which none need come soon: no pace is kept."""

    def pause(self) -> None:
        """Deliver no more of the request for now."""

    def resume(self) -> None: ...


class UpstreamStream(Protocol):
    """Sends one request to an endpoint."""

    def send_head(self, request: Request, end: bool) -> None:
        """May be held back until the first data so that both leave in one write."""

    def send_data(self, chunk: bytes) -> None: ...

    def send_end(self, trailers: Headers | None) -> None: ...

    def flush(self) -> None: ...

    def reset(self, error: ProxyError) -> None:
        """Give the exchange up; on HTTP/1 the connection closes."""

    def pause(self) -> None:
        """Deliver no more of the response for now."""

    def resume(self) -> None: ...
