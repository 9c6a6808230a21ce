"""Asking: a request of the gateway's own to one endpoint of a backend, whose whole answer a filter waits for.

It has its connections from the same pools as everything that is forwarded, and the same TLS. Nothing of the client's
exchange is in it: it can be given up at any moment, and what it may cost is bounded in octets and in time.
"""

import asyncio

from proxy.errors import (
    ClientGone,
    MalformedResponse,
    NoReadyEndpoint,
    NoValidBackend,
    ProxyError,
    UpstreamClosed,
    UpstreamTimeout,
)
from proxy.filters.base import Answer
from proxy.forward.discard import Discard, discard
from proxy.forward.plane import Plane
from proxy.protocol.message import Headers, Request, Response
from proxy.upstream.endpoint import EndpointPool
from proxy.upstream.lease import Lease
from proxy.upstream.live import LiveUpstream
from proxy.wheel import Deadline

ANSWER_AT_MOST = 64 * 1024
"""Octets of an answer's body that are kept for a filter; of a longer one it gets nothing."""
_MAX_ENDPOINTS = 3
"""Asked when connecting fails, as for requests that are forwarded."""


async def ask(plane: Plane, upstream: LiveUpstream[EndpointPool], request: Request, body: bytes, enough: int) -> Answer:
    """See filters.base.Outside.ask."""
    asking = Asking(plane, upstream, request, body, enough)
    try:
        asking.begin()
        return await asking.answer
    finally:
        asking.leave()
        del asking  # an error has this frame in its traceback: it would lead back to itself


class Asking(Discard):
    """One question. Implements Waiter and ResponseSink; `answer` is set once, to an Answer or a ProxyError."""

    __slots__ = ("_begun", "_body", "_connection", "_deadline", "_enough", "_head", "_held", "_plane", "_pool",
                 "_repeated", "_request", "_room", "_tried", "_upstream", "answer")  # fmt: skip

    def __init__(
        self, plane: Plane, upstream: LiveUpstream[EndpointPool], request: Request, body: bytes, enough: int
    ) -> None:
        self.answer: asyncio.Future[Answer] = plane.loop.create_future()
        self._plane = plane
        self._upstream = upstream
        self._request = request
        self._body = body
        self._enough = enough
        self._pool: EndpointPool | None = None
        self._tried: tuple[EndpointPool, ...] = ()
        self._connection: Lease | None = None
        self._repeated = False
        self._begun = plane.clock()
        self._deadline: Deadline | None = None
        self._head: Response | None = None
        self._held: list[bytes] = []
        self._room = ANSWER_AT_MOST

    # --- the question ------------------------------------------------------------------------

    def begin(self) -> None:
        self._deadline = self._plane.answer_time.lend(self._plane.wheel, self._begun, self._on_timeout)
        self._connect()

    def _connect(self, fresh: bool = False) -> None:
        upstream = self._upstream
        pool = self._pool = upstream.pick(self._tried)
        if pool is None:
            self._fail(_nobody(upstream))
            return
        connection = None if fresh else pool.take()
        if connection is not None:
            self.on_connected(connection)
            return
        try:
            pool.request(self, fresh=fresh)
        except ProxyError as error:
            self._fail(error)

    def on_connect_failed(self, error: ProxyError) -> None:
        """Another endpoint is asked when there is one; nothing has been sent yet."""
        assert self._pool is not None
        self._tried = (*self._tried, self._pool)
        others = [pool for pool in self._upstream.pools if pool not in self._tried]
        if error.retryable and others and len(self._tried) < _MAX_ENDPOINTS:
            self._connect()
        else:
            self._fail(error)

    def on_connected(self, connection: Lease) -> None:
        if self._upstream.has_turned_from(connection.pool):
            connection.pool.release(connection)  # a policy came while we waited
            self._connect()
            return
        self._connection = connection
        request, codec = self._request, connection.codec
        codec.begin(self)
        connection.deadline.set(self._begun + self._plane.answer_time.seconds)
        if not request.host:
            request.name_host(connection.pool.label)
        if not self._body:
            codec.send_head(request, True)
            return
        codec.send_head(request, False)
        codec.send_data(self._body)
        codec.send_end(None)

    # --- the answer --------------------------------------------------------------------------

    def on_response_head(self, response: Response, end: bool) -> None:
        self._head = response
        if response.status == self._enough and not end:
            connection, self._connection = self._connection, None
            assert connection is not None
            self._answered()
            discard(connection, response, self._plane.clock(), UpstreamClosed("answered"))
        elif response.content_length > ANSWER_AT_MOST:
            self._too_long()

    def on_response_data(self, chunk: bytes) -> None:
        self._room -= len(chunk)
        if self._room < 0:
            self._too_long()
        else:
            self._held.append(chunk)

    def on_response_end(self, trailers: Headers | None) -> None:
        self._connection = None
        self._answered()

    def on_response_reset(self, error: ProxyError) -> None:
        connection, self._connection = self._connection, None
        if self._may_repeat(error, connection):
            self._repeated = True
            self._connect(fresh=True)
        else:
            self._fail(error)

    def _may_repeat(self, error: ProxyError, connection: Lease | None) -> bool:
        """A pooled connection that the endpoint closed as we took it. Once, for every method: to ask is not to do."""
        return (
            isinstance(error, UpstreamClosed)
            and connection is not None
            and connection.reused
            and not connection.codec.answered
            and not self._repeated
        )

    # --- its end -----------------------------------------------------------------------------

    def _answered(self) -> None:
        if not self.answer.done():
            assert self._head is not None
            self._upstream.duration.observe(self._plane.clock() - self._begun)
            self.answer.set_result(Answer(self._head.status, self._head.headers, b"".join(self._held)))

    def _fail(self, error: ProxyError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def _too_long(self) -> None:
        self._give_up(MalformedResponse("answer_too_long", f"the answer is over {ANSWER_AT_MOST} octets"))

    def _on_timeout(self) -> None:
        self._give_up(UpstreamTimeout("answer_timeout", f"no answer within {self._plane.answer_time.seconds:g} s"))

    def _give_up(self, error: ProxyError) -> None:
        self._let_go(error)
        self._fail(error)

    def _let_go(self, error: ProxyError) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.codec.reset(error)
        elif self._pool is not None:
            self._pool.forget(self)

    def leave(self) -> None:
        """Nobody waits any more; breaks the cycles from here to its deadline and its connection and back."""
        if self._deadline is not None:
            deadline, self._deadline = self._deadline, None
            self._plane.answer_time.take_back(deadline)
        self._let_go(ClientGone("gave_up"))
        self.answer.cancel()


def _nobody(upstream: LiveUpstream[EndpointPool]) -> ProxyError:
    if upstream.invalid:
        return NoValidBackend(upstream.invalid, f"the TLS of {upstream.key} is not valid")
    return NoReadyEndpoint("no_ready_endpoint", f"{upstream.key} has no ready endpoint")
