"""Exchange: the life of one request, its phases from top to bottom in this file.

    route -> request filters -> select -> connect -> send -> response -> relay -> finish

It is the sink of both streams (protocol.stream) and knows no HTTP version. It is driven by calls and
runs to the end without a task or a future, unless a phase has to wait; `finish` is reached by every
exchange exactly once.
"""

import asyncio

from proxy.errors import ClientGone, FilterFailed, NoReadyEndpoint, NoRoute, NoValidBackend, ProxyError, UpstreamClosed
from proxy.filters.base import FilterContext, RequestStep
from proxy.forward.finish import finish
from proxy.forward.origin import Origin
from proxy.forward.record import Record
from proxy.forward.reply import error_reply, send_reply
from proxy.forward.suspend import run_until_it_waits
from proxy.protocol.message import Headers, Reply, Request, Response
from proxy.protocol.stream import DownstreamStream
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.pool import Pool

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})
"""RFC 9110 section 9.2.2: sending one twice is as good as once."""
_MAX_ATTEMPTS = 3
"""Endpoints asked for one request when connecting fails."""


class Exchange(Record):
    """One request and its response. Implements RequestSink, ResponseSink and Waiter."""

    __slots__ = ("_blocked", "_connection", "_context", "_early", "_origin", "_pending", "_request_done", "_steps",
                 "_stream", "_trailers", "_tried", "_tunnel")  # fmt: skip

    def __init__(self, origin: Origin, stream: DownstreamStream, request: Request) -> None:
        super().__init__(origin.plane, origin.client.address, request)
        self._origin = origin
        self._stream = stream
        self._request_done = False
        self._blocked = False
        """The client takes no more for now: said once, so it is remembered for the connection to come."""
        self._connection: UpstreamConnection | None = None
        self._tried: tuple[Pool, ...] = ()
        self._early: list[bytes] | None = None
        self._trailers: Headers | None = None
        self._pending: asyncio.Future[Reply | None] | None = None
        self._tunnel = False
        self._context: FilterContext | None = None
        self._steps: tuple[RequestStep, ...] = ()

    # --- 1 route -----------------------------------------------------------------------------

    def begin(self, end: bool) -> None:
        """`end`: the request has no body."""
        self._request_done = end
        request = self.request
        try:
            self.client, self.request_id = self.plane.forwarding.sign(request, self._origin.client)
            listener = self.listener = self._origin.port.table.choose(request.host)
            if listener is None:
                raise NoRoute("no_route_listener", "no listener on this port serves this host")
            hit = self.hit = listener.table.match(
                request.host, request.path, request.method, request.headers, request.query
            )
            if hit is None:
                why = listener.table.miss(request.host, request.path, request.method, request.headers, request.query)
                raise NoRoute(f"no_route_{why}", "no route matches this request")
        except ProxyError as error:
            self._refuse(error)
            return
        rule = self.rule = hit.rule
        self.routed = self.plane.clock()
        if rule.chain.on_request:
            self._filter(rule.chain.on_request)
        else:
            self._select()

    # --- 2 request filters -------------------------------------------------------------------

    def _filter(self, steps: tuple[RequestStep, ...]) -> None:
        """Run steps; the rule's lead to `_select`, the backend's to `_connect`."""
        context = self._filter_context()
        for i, step in enumerate(steps):
            try:
                outcome = step(self.request, context)
                if outcome is not None and not isinstance(outcome, Reply):
                    self._steps = steps[i + 1 :]
                    ran = run_until_it_waits(self.plane.loop, outcome, self._on_filter_done)
                    if isinstance(ran, asyncio.Future):
                        self._pending = ran
                        return
                    outcome = ran
            except Exception as error:
                self._refuse(_filter_failure(error))
                return
            if outcome is not None:
                self._answer(outcome)
                return
        if self.backend is None:
            self._select()
        else:
            self._connect()

    def _filter_context(self) -> FilterContext:
        if self._context is None:
            origin = self._origin
            self._context = FilterContext(origin.client.scheme, origin.client.port, self.client)
        return self._context

    def _on_filter_done(self, task: "asyncio.Future[Reply | None]") -> None:
        if self._pending is not task or task.cancelled():
            return
        self._pending = None
        failure = task.exception()
        if failure is not None:
            self._refuse(_filter_failure(failure))
            return
        reply = task.result()
        if reply is not None:
            self._answer(reply)
        else:
            self._filter(self._steps)

    # --- 3 select ----------------------------------------------------------------------------

    def _select(self) -> None:
        assert self.rule is not None
        backend = self.backend = self.rule.choose()
        if backend is None:
            self._refuse(NoValidBackend("no_backend", "the rule has no backend"))
        elif backend.chain.on_request:
            self._filter(backend.chain.on_request)
        else:
            self._connect()

    # --- 4 connect ---------------------------------------------------------------------------

    def _connect(self, fresh: bool = False) -> None:
        backend = self.backend
        assert backend is not None
        if backend.upstream is None:
            self._refuse(NoValidBackend(backend.invalid or "invalid_backend", f"{backend.name} is not valid"))
            return
        pool = self.pool = backend.upstream.pick(self._tried)
        if pool is None:
            self._refuse(NoReadyEndpoint("no_ready_endpoint", f"{backend.name} has no ready endpoint"))
            return
        connection = None if fresh else pool.take()
        if connection is not None:
            self._send(connection)
            return
        try:
            pool.request(self, fresh=fresh)
        except ProxyError as error:
            self._refuse(error)

    def on_connect_failed(self, error: ProxyError) -> None:
        """Another endpoint is asked when there is one; nothing has been sent yet."""
        backend, pool = self.backend, self.pool
        assert backend is not None and backend.upstream is not None and pool is not None
        self._tried = (*self._tried, pool)
        others = [other for other in backend.upstream.pools if other not in self._tried]
        if error.retryable and others and len(self._tried) < _MAX_ATTEMPTS:
            self._count_retry(error)
            self._connect()
        else:
            self._refuse(error)

    # --- 5 send ------------------------------------------------------------------------------

    def on_connected(self, connection: UpstreamConnection) -> None:
        """The connection that had to be waited for is there."""
        self._send(connection)
        if self._connection is connection and not self._request_done:
            connection.codec.flush()

    def _send(self, connection: UpstreamConnection) -> None:
        self._connection = connection
        self.connected = now = self.plane.clock()
        codec = connection.codec
        codec.begin(self)
        if self._blocked:
            codec.pause()
        if not self.request.host:
            self._name_host(connection)
        if self.request.content_length == 0:
            connection.deadline.set(now + self.plane.timeouts.response_head)
            codec.send_head(self.request, True)
            return
        connection.deadline.set(now + self.plane.timeouts.idle)
        codec.send_head(self.request, False)
        early, self._early = self._early, None
        if early is not None:
            for chunk in early:
                codec.send_data(chunk)
            self._stream.resume()
            if self._request_done:
                self.on_request_end(self._trailers)

    def _name_host(self, connection: UpstreamConnection) -> None:
        """HTTP/1.0 may come without Host; what we send is HTTP/1.1 and needs one (RFC 9112 section 3.2)."""
        headers = self.request.headers
        if not any(name == b"host" for name, _ in headers):
            headers.insert(0, (b"host", connection.pool.label.encode()))

    def on_request_data(self, chunk: bytes) -> None:
        self.bytes_in += len(chunk)
        connection = self._connection
        if connection is not None:
            self._touch(connection)
            connection.codec.send_data(chunk)
        elif not self.ended:
            self._hold_body().append(chunk)

    def on_request_idle(self) -> None:
        if self._connection is not None:
            self._connection.codec.flush()
        elif not self.ended:
            self._hold_body()

    def _hold_body(self) -> list[bytes]:
        """The body has to wait for a connection; so does the client."""
        if self._early is None:
            self._early = []
            self._stream.pause()
        return self._early

    def on_request_end(self, trailers: Headers | None) -> None:
        self._request_done = True
        connection = self._connection
        if connection is None:
            self._trailers = trailers
            self._hold_body()
            return
        if not self.first_byte:
            connection.deadline.set(self.plane.clock() + self.plane.timeouts.response_head)
        connection.codec.send_end(trailers)

    def on_request_reset(self, error: ProxyError) -> None:
        """The client is gone, or its body is malformed or late: the endpoint must not take it for whole."""
        self._give_up(error)
        if isinstance(error, ClientGone):
            self._finish(error)
        else:
            self._fail(error)

    def on_upstream_blocked(self) -> None:
        self._stream.pause()

    def on_upstream_writable(self) -> None:
        self._stream.resume()

    # --- 6 response --------------------------------------------------------------------------

    def on_response_informational(self, response: Response) -> None:
        if response.status != 100 or self.request.expect_continue:
            self._stream.send_informational(response)

    def on_response_head(self, response: Response, end: bool) -> None:
        self.first_byte = now = self.plane.clock()
        rule, backend, connection = self.rule, self.backend, self._connection
        assert rule is not None and backend is not None and connection is not None
        if backend.chain.on_response or rule.chain.on_response:
            try:
                self._filter_response(response)
            except Exception as error:
                failure = _filter_failure(error)
                self._give_up(failure)
                self._refuse(failure)
                return
        self.status = response.status
        self.head_sent = True
        timeouts = self.plane.timeouts
        if response.status == 101:
            self._tunnel = True
            connection.deadline.set(now + timeouts.tunnel)
            self._stream.send_head(response, False)
            self._stream.resume()
            return
        if not end:
            connection.deadline.set(now + timeouts.idle)
        self._stream.send_head(response, end)

    def _filter_response(self, response: Response) -> None:
        """What was put on nearest to the endpoint comes first: the backend's filters, then the rule's."""
        assert self.rule is not None and self.backend is not None
        context = self._filter_context()
        for step in self.backend.chain.on_response:
            step(response, context)
        for step in self.rule.chain.on_response:
            step(response, context)

    # --- 7 relay -----------------------------------------------------------------------------

    def on_response_data(self, chunk: bytes) -> None:
        self.bytes_out += len(chunk)
        self._stream.send_data(chunk)

    def on_response_idle(self) -> None:
        if self._connection is not None:
            self._touch(self._connection)
        self._stream.flush()

    def on_response_end(self, trailers: Headers | None) -> None:
        self._connection = None
        self._finish(None)
        self._stream.send_end(trailers)

    def on_response_reset(self, error: ProxyError) -> None:
        connection, self._connection = self._connection, None
        if self._may_repeat(error, connection):
            self._count_retry(error)
            self._connect(fresh=True)
        else:
            self._fail(error)

    def on_downstream_blocked(self) -> None:
        self._blocked = True
        if self._connection is not None:
            self._connection.codec.pause()

    def on_downstream_writable(self) -> None:
        self._blocked = False
        if self._connection is not None:
            self._connection.codec.resume()

    def _touch(self, connection: UpstreamConnection) -> None:
        """An octet moved: the idle time starts anew."""
        timeouts = self.plane.timeouts
        connection.deadline.set(self.plane.clock() + (timeouts.tunnel if self._tunnel else timeouts.idle))

    # --- 8 failures --------------------------------------------------------------------------

    def _may_repeat(self, error: ProxyError, connection: UpstreamConnection | None) -> bool:
        """A pooled connection that the endpoint closed as we took it; once, and only when safe."""
        return (
            isinstance(error, UpstreamClosed)
            and connection is not None
            and connection.reused
            and not connection.codec.answered
            and not self.retries
            and self.request.content_length == 0
            and self.request.method in _IDEMPOTENT
        )

    def _count_retry(self, error: ProxyError) -> None:
        self.retries += 1
        if self.backend is not None and self.backend.upstream is not None:
            self.backend.upstream.retries(error.reason)

    def _give_up(self, error: ProxyError) -> None:
        """Stop whatever is under way towards the endpoint."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.codec.reset(error)
        elif self.pool is not None:
            self.pool.forget(self)
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.cancel()

    def _refuse(self, error: ProxyError) -> None:
        """Nothing was sent to the client yet: tell it."""
        self.error = error
        self._answer(error_reply(error))

    def _answer(self, reply: Reply) -> None:
        """The gateway's own reply ends the exchange."""
        self.status = reply.status
        self.head_sent = True
        self.bytes_out = 0 if self.request.method == b"HEAD" else len(reply.body)
        self._finish(self.error)
        extra = [(b"x-request-id", self.request_id)] if self.request_id else []
        send_reply(self._stream, reply, self.request.method, extra)

    def _fail(self, error: ProxyError) -> None:
        """Once the head is out the only honest end is one that the client cannot take for whole."""
        if self.ended:
            return
        if not self.head_sent:
            self._refuse(error)
        else:
            self._finish(error)
            self._stream.reset(error)

    def _finish(self, error: ProxyError | None) -> None:
        """9: always, once."""
        if not self.ended:
            self.error = error
            self.ended = self.plane.clock()
            finish(self)


def _filter_failure(error: BaseException) -> ProxyError:
    if isinstance(error, ProxyError):
        return error
    return FilterFailed("filter_failed", f"{type(error).__name__}: {error}")
