"""Discard: the sink of answers that nobody waits for. Reading one to its end keeps its connection for others."""

from proxy.errors import ProxyError
from proxy.protocol.message import Headers, Response
from proxy.upstream.lease import Lease

DISCARD_AT_MOST = 64 * 1024
"""Octets of a body that are read only to keep the connection; for more a new connection is cheaper."""
DISCARD_TIME = 2.0
"""Seconds to wait for them."""


class Discard:
    """Takes everything and does nothing. Implements ResponseSink."""

    __slots__ = ()

    def on_response_informational(self, response: Response) -> None:
        """Not passed on."""

    def on_response_head(self, response: Response, end: bool) -> None:
        """Not passed on."""

    def on_response_data(self, chunk: bytes) -> None:
        """Not passed on."""

    def on_response_end(self, trailers: Headers | None) -> None:
        """The connection is its pool's again."""

    def on_response_idle(self) -> None:
        """There is nothing to flush."""

    def on_response_reset(self, error: ProxyError) -> None:
        """The connection is gone; so what."""

    def on_upstream_blocked(self) -> None:
        """Nothing more is sent."""

    def on_upstream_writable(self) -> None:
        """Nothing more is sent."""


_DISCARD = Discard()


def discard(connection: Lease, response: Response, now: float, error: ProxyError) -> None:
    """Let go of an answer whose head has come: read the rest if it is short, else give up the connection."""
    if 0 <= response.content_length <= DISCARD_AT_MOST:
        connection.deadline.set(now + DISCARD_TIME)
        connection.codec.hand_over(_DISCARD)
        connection.codec.resume()
    else:
        connection.codec.reset(error)
