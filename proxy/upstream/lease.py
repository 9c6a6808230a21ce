"""Lease: the part of a connection that an exchange holds - all of it for HTTP/1, one stream of it for HTTP/2."""

from typing import TYPE_CHECKING, Protocol

from proxy.errors import ProxyError
from proxy.protocol.message import Request
from proxy.protocol.stream import ResponseSink, UpstreamStream
from proxy.tls.engine import TLSFailure
from proxy.tls.transport import Carried
from proxy.wheel import Deadline

if TYPE_CHECKING:
    from proxy.upstream.endpoint import EndpointPool


class UpstreamCodec(UpstreamStream, Protocol):
    """Carries one request at a time."""

    @property
    def answered(self) -> bool:
        """An octet of the response to the current request has arrived."""

    def begin(self, sink: ResponseSink) -> None:
        """The next request's response goes to `sink`."""

    def hand_over(self, sink: ResponseSink) -> None:
        """What is still to come of the response goes to another sink."""

    def send_head(self, request: Request, end: bool) -> None: ...


class Lease(Protocol):
    """Given by a pool to one exchange, until its codec says that the exchange is over."""

    @property
    def codec(self) -> UpstreamCodec: ...

    @property
    def deadline(self) -> Deadline:
        """When no octet has moved for too long."""

    @property
    def pool(self) -> "EndpointPool": ...

    @property
    def reused(self) -> bool:
        """The connection has carried an exchange before, so the endpoint may be closing it just now."""


class Securable(Carried, Protocol):
    """A connection of either kind that TLS carries."""

    def broken(self, failure: TLSFailure) -> None:
        """TLS failed after its handshake."""


class Waiter(Protocol):
    """Who asked for a connection and could not have one at once."""

    def on_connected(self, connection: Lease) -> None: ...

    def on_connect_failed(self, error: ProxyError) -> None: ...
