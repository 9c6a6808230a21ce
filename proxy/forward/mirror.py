"""Mirror: a copy of a request on its way to a second backend. It never holds up the request that it copies.

The body goes to both as it comes. A mirror that takes it more slowly than the endpoint does has a bound;
beyond it the copy is dropped. So is one that finds no connection free: mirrors do not queue.
"""

from proxy.errors import ClientGone, Overloaded, ProxyError, UpstreamClosed
from proxy.forward.discard import Discard, discard
from proxy.forward.plane import Plane
from proxy.protocol.message import Headers, Request, Response
from proxy.upstream.endpoint import EndpointPool
from proxy.upstream.lease import Lease
from proxy.upstream.live import LiveUpstream

HELD_AT_MOST = 512 * 1024
"""Octets of a body that wait for a mirror: two reads of the event loop, so that one can come while it connects."""


class Mirror(Discard):
    """One copy. Implements Waiter and ResponseSink; `result` of the metric is counted once."""

    __slots__ = ("_blocked", "_connection", "_held", "_plane", "_pool", "_request", "_request_done",
                 "_room", "_sent", "_trailers", "_upstream", "over")  # fmt: skip

    def __init__(self, plane: Plane, upstream: LiveUpstream[EndpointPool], request: Request) -> None:
        self._plane = plane
        self._upstream = upstream
        self._request = request
        self._request_done = request.content_length == 0
        self._trailers: Headers | None = None
        self._pool: EndpointPool | None = None
        self._connection: Lease | None = None
        self._blocked = False
        self._held: list[bytes] = []
        self._room = HELD_AT_MOST
        self._sent = False
        """All of the request has been given to the connection."""
        self.over = False

    # --- the request -------------------------------------------------------------------------

    def begin(self) -> None:
        """Ask one endpoint; there is no second one (HTTPRequestMirrorFilter.backendRef)."""
        pool = self._pool = self._upstream.pick()
        if pool is None:
            self._end("failed")
        elif (connection := pool.take()) is not None:
            self.on_connected(connection)
        elif pool.full:
            self._end("dropped")
        else:
            pool.request(self)

    def on_connected(self, connection: Lease) -> None:
        if self._upstream.has_turned_from(connection.pool):
            connection.pool.release(connection)  # a policy came while we waited
            self._end("dropped")
            return
        self._connection = connection
        connection.codec.begin(self)
        if not self._request.host:
            self._request.name_host(connection.pool.label)
        connection.codec.send_head(self._request, self._request.content_length == 0)
        self._send_on()

    def on_connect_failed(self, error: ProxyError) -> None:
        self._end("dropped" if isinstance(error, Overloaded) else "failed")

    def data(self, chunk: bytes) -> None:
        if self.over:
            return
        if self._connection is not None and not self._blocked:
            self._connection.codec.send_data(chunk)
            return
        self._room -= len(chunk)
        if self._room < 0:
            self._give_up("dropped")
        else:
            self._held.append(chunk)

    def flush(self) -> None:
        if self._connection is not None and not self.over and not self._blocked:
            self._wait(self._connection)
            self._connection.codec.flush()

    def end(self, trailers: Headers | None) -> None:
        self._request_done = True
        self._trailers = trailers
        if self._connection is not None and not self.over and not self._blocked:
            self._finish_request(self._connection)

    def leave(self) -> None:
        """The request is over. When it never became whole, its copy must not look whole either."""
        if not self.over and not self._request_done:
            self._give_up("aborted")

    def _send_on(self) -> None:
        """What was held back, and the end if it has come."""
        connection = self._connection
        assert connection is not None
        held, self._held = self._held, []
        self._room = HELD_AT_MOST
        for chunk in held:
            connection.codec.send_data(chunk)
        if self._request_done:
            self._finish_request(connection)
        else:
            self._wait(connection)
            connection.codec.flush()

    def _finish_request(self, connection: Lease) -> None:
        connection.deadline.set(self._plane.clock() + self._plane.timeouts.response_head)
        self._sent = True
        if self._request.content_length != 0:
            connection.codec.send_end(self._trailers)

    def _wait(self, connection: Lease) -> None:
        connection.deadline.set(self._plane.clock() + self._plane.timeouts.idle)

    def on_upstream_blocked(self) -> None:
        self._blocked = True

    def on_upstream_writable(self) -> None:
        self._blocked = False
        if not self.over and not self._sent:
            self._send_on()

    # --- its end -----------------------------------------------------------------------------

    def on_response_head(self, response: Response, end: bool) -> None:
        """Nobody wants the answer; if it is short its connection is kept."""
        connection = self._connection
        assert connection is not None
        self._end("answered")
        discard(connection, response, self._plane.clock(), UpstreamClosed("mirrored"))

    def on_response_reset(self, error: ProxyError) -> None:
        self._end("failed")

    def _give_up(self, result: str) -> None:
        connection, pool = self._connection, self._pool
        self._end(result)
        if connection is not None:
            connection.codec.reset(ClientGone(result))
        elif pool is not None:
            pool.forget(self)

    def _end(self, result: str) -> None:
        if not self.over:
            self.over = True
            self._connection = None
            self._held.clear()
            self._upstream.mirrored(result)
