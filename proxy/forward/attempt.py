"""Attempts: the way of a request to an endpoint, and to another one when that fails. Phases 4 and 5 of an exchange.

    connect -> send -> the exchange's phase 6, when a response head comes
       ^________|  at once: the endpoint could not be reached, or closed a kept connection just as we took it
       ^________|  after a pause: the attempt failed, and the rule has retries left

The request's body comes through here, too: to the endpoint, or held back until there is one.
"""

from abc import abstractmethod

from proxy.errors import (
    ClientGone,
    ConnectFailed,
    ConnectTimeout,
    NoReadyEndpoint,
    NoValidBackend,
    ProxyError,
    RetryBudgetSpent,
    UpstreamClosed,
    UpstreamTimeout,
)
from proxy.forward.ending import Ending
from proxy.forward.suspend import BodyWait, Wait
from proxy.protocol.message import Headers, Response
from proxy.upstream.endpoint import EndpointPool
from proxy.upstream.lease import Lease
from proxy.upstream.live import LiveUpstream

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})
"""RFC 9110 section 9.2.2: sending one twice is as good as once."""
_MAX_ENDPOINTS = 3
"""Asked in one attempt when connecting fails."""
_MOST_REFUSALS = 10
"""How often a request is sent again that an endpoint has not looked at: it may take a few at a time."""
_RETRIED = (ConnectFailed, ConnectTimeout, UpstreamClosed, UpstreamTimeout)
"""What a rule with retries tries again: disconnect, reset, timeout, TCP failure (HTTPRouteRetry)."""


class Attempts(Ending):
    """The sending half of an exchange. Implements RequestSink, Waiter and NameWaiter; of ResponseSink the end."""

    __slots__ = ("_blocked", "_connection", "_early", "_head_time", "_request_done", "_trailers", "_tried", "_wait")

    _request_done: bool
    """The client's request is whole."""
    _blocked: bool
    """The client takes no more for now: said once, so it is remembered for the connection to come."""
    _connection: Lease | None
    _tried: tuple[EndpointPool, ...]
    _early: list[bytes] | None
    """What came of the body before there was a connection."""
    _wait: Wait | BodyWait | None
    """What the filters wait for."""
    _trailers: Headers | None
    _head_time: float
    """Seconds from the whole request sent to a response head; inf where the rule sets limits of its own."""

    # --- 4 connect ---------------------------------------------------------------------------

    def _connect(self, fresh: bool = False, begun: bool = False) -> None:
        """Begins an attempt: up to the end of this endpoint's answer, or of another's that is asked in its place.

        `begun`: it goes on with one that had to wait.
        """
        tries = self._tries
        if tries is not None and not begun:
            tries.begin_attempt(self.plane.clock(), self._on_attempt_timeout)
        backend = self.backend
        assert backend is not None
        upstream = backend.upstream
        if upstream is None:
            self._refuse(NoValidBackend(backend.invalid or "invalid_backend", f"{backend.name} is not valid"))
            return
        if upstream.budget is not None and not self.retries and not begun:
            upstream.budget.request(self.plane.clock())
        pool = self.pool = upstream.pick(self._tried) if tries is None else tries.pick(upstream, self._tried)
        if pool is None:
            self._without_endpoint(backend.name, upstream)
            return
        connection = None if fresh else pool.take()
        if connection is not None and self._early is None:
            self._send(connection)
            return
        if connection is not None:
            self.on_connected(connection)  # the client was kept waiting here, too
            return
        try:
            pool.request(self, fresh=fresh)
        except ProxyError as error:
            self._refuse(error)

    def _without_endpoint(self, name: str, upstream: LiveUpstream[EndpointPool]) -> None:
        """Nothing to connect to; where that is only because a DNS name has no answer yet, it is waited for."""
        naming = upstream.naming
        try:
            if naming is None or not naming.pending:
                raise _no_endpoint(name, upstream)
            naming.wait(self)
        except ProxyError as error:
            self._refuse(error)

    def on_named(self) -> None:
        """What the DNS name leads to is known now."""
        if not self.ended:
            self._connect(begun=True)

    def on_unnamed(self, error: ProxyError) -> None:
        self._attempt_failed(error)

    def on_connect_failed(self, error: ProxyError) -> None:
        """Another endpoint is asked when there is one; nothing has been sent yet."""
        backend, pool = self.backend, self.pool
        assert backend is not None and backend.upstream is not None and pool is not None
        self._tried = (*self._tried, pool)
        others = [other for other in backend.upstream.pools if other not in self._tried]
        if error.retryable and others and len(self._tried) < _MAX_ENDPOINTS:
            self._count_retry(error.reason)
            self._connect()
        else:
            self._attempt_failed(error)

    def on_connected(self, connection: Lease) -> None:
        """The connection is there, after the body has begun to wait: nothing else will have its head leave."""
        backend, pool = self.backend, self.pool
        assert backend is not None and backend.upstream is not None and pool is not None
        if backend.upstream.has_turned_from(pool):
            pool.release(connection)  # a policy came while we waited
            self._connect()
            return
        self._send(connection)
        if self._connection is connection and not self._request_done:
            connection.codec.flush()

    # --- 5 send ------------------------------------------------------------------------------

    def _send(self, connection: Lease) -> None:
        self._connection = connection
        self.connected = now = self.plane.clock()
        codec = connection.codec
        codec.begin(self)
        if self._blocked:
            codec.pause()
        if not self.request.host:
            self.request.name_host(connection.pool.label)
        if self.request.content_length == 0:
            connection.deadline.set(now + self._head_time)
            codec.send_head(self.request, True)
            return
        connection.deadline.set(now + self.plane.timeouts.idle)
        codec.send_head(self.request, False)
        if self._connection is not connection:
            return  # it would not have the head: what there is of the body is for another
        early, self._early = self._early, None
        if early is not None:
            self._stream.resume()  # first: what has waited may be more than the endpoint takes at once
            for chunk in early:
                codec.send_data(chunk)
            if self._request_done:
                self._end_request(connection)

    def on_request_data(self, chunk: bytes) -> None:
        self.bytes_in += len(chunk)
        if self._tries is not None:
            self._tries.keep(chunk)
        for mirror in self._mirrors:
            mirror.data(chunk)
        connection = self._connection
        if connection is not None:
            connection.codec.send_data(chunk)
        elif not self.ended:
            self._hold_body().append(chunk)
            if isinstance(self._wait, BodyWait):
                self._gather(self._wait, len(chunk))

    def on_request_idle(self) -> None:
        for mirror in self._mirrors:
            mirror.flush()
        connection = self._connection
        if connection is not None:
            self._touch(connection)
            connection.codec.flush()
        elif not self.ended:
            self._hold_body()

    def _hold_body(self) -> list[bytes]:
        """The body has to wait for a connection; so does the client, unless a filter waits for the body."""
        if self._early is None:
            self._early = []
            if not isinstance(self._wait, BodyWait):
                self._stream.pause()
        return self._early

    @abstractmethod
    def _gather(self, wait: BodyWait, size: int) -> None:
        """So many octets have come of a body that a filter wants whole."""

    @abstractmethod
    def _gathered(self, wait: BodyWait) -> None:
        """All of it has come."""

    def on_request_end(self, trailers: Headers | None) -> None:
        self._request_done = True
        self._trailers = trailers = self._passed_on(trailers) if trailers else None
        for mirror in self._mirrors:
            mirror.end(trailers)
        connection = self._connection
        if connection is None:
            self._hold_body()
            if isinstance(self._wait, BodyWait):
                self._gathered(self._wait)
        else:
            self._end_request(connection)

    @abstractmethod
    def _passed_on(self, trailers: Headers) -> Headers | None:
        """Those of the client's trailers that filters have nothing against."""

    def _end_request(self, connection: Lease) -> None:
        """All of the request is on its way: from now on the endpoint's time runs."""
        if not self.first_byte:
            connection.deadline.set(self.plane.clock() + self._head_time)
        connection.codec.send_end(self._trailers)

    def on_upstream_blocked(self) -> None:
        self._stream.pause()

    def on_upstream_writable(self) -> None:
        self._stream.resume()

    def on_downstream_blocked(self) -> None:
        self._blocked = True
        if self._connection is not None:
            self._connection.codec.pause()

    def on_downstream_writable(self) -> None:
        self._blocked = False
        if self._connection is not None:
            self._connection.codec.resume()

    # --- it goes on in the exchange ----------------------------------------------------------

    @abstractmethod
    def on_response_informational(self, response: Response) -> None: ...

    @abstractmethod
    def on_response_head(self, response: Response, end: bool) -> None: ...

    @abstractmethod
    def on_response_data(self, chunk: bytes) -> None: ...

    @abstractmethod
    def on_response_end(self, trailers: Headers | None) -> None: ...

    @abstractmethod
    def on_response_idle(self) -> None: ...

    @abstractmethod
    def _touch(self, connection: Lease) -> None:
        """An octet moved."""

    # --- or it fails -------------------------------------------------------------------------

    def on_response_reset(self, error: ProxyError) -> None:
        connection, self._connection = self._connection, None
        if self._may_repeat(error, connection):
            self._count_retry(error.reason)
            self._hold_again()
            self._connect(fresh=True)
        else:
            self._attempt_failed(error)

    def _hold_again(self) -> None:
        """What has been sent of the body waits for another connection, as what is to come of it."""
        if self.request.content_length != 0 and self._early is None:
            self._early = list((self._tries.kept if self._tries is not None else None) or ())
            self._stream.pause()

    def _can_send_again(self) -> bool:
        """Nothing of the body has gone out, or all of it is kept: calls have one, however short (Tries.kept)."""
        return not self.bytes_in or (self._tries is not None and self._tries.kept is not None)

    def _may_repeat(self, error: ProxyError, connection: Lease | None) -> bool:
        """A pooled connection that the endpoint closed as we took it, or one on which it said that it had not looked at
        the request; only when safe, and not for ever."""
        repeated = self.retries - (0 if self._tries is None else self._tries.retried)
        return (
            isinstance(error, UpstreamClosed)
            and connection is not None
            and not connection.codec.answered
            and repeated < (_MOST_REFUSALS if error.retryable else 1)
            and (self.request.content_length == 0 or (error.retryable and self._can_send_again()))
            and (error.retryable or (connection.reused and self.request.method in _IDEMPOTENT))
        )

    def _attempt_failed(self, error: ProxyError) -> None:
        """No response head has come, and nothing is under way towards an endpoint any more."""
        if isinstance(error, _RETRIED) and self._may_retry():
            self._retry(error.reason)
        else:
            self._fail(error)

    def _may_retry(self) -> bool:
        """The rule has retries left, the client has seen nothing, and the body is there to be sent again."""
        tries = self._tries
        return (
            tries is not None
            and not self.head_sent
            and tries.has_retries()
            and not self.request.upgrade
            and (self.request.content_length == 0 or self._early is not None or tries.kept is not None)
        )

    def _retry(self, reason: str) -> None:
        """Another try after a pause, at another endpoint if there is one. Whatever comes of the body waits."""
        tries, pool, backend = self._tries, self.pool, self.backend
        assert tries is not None and backend is not None and backend.upstream is not None
        if not backend.upstream.allows_retry(reason, self.plane.clock()):
            self._fail(RetryBudgetSpent("retry_budget_spent", f"{backend.name} has had its share of retries"))
            return
        self._count_retry(reason)
        self._tried = () if pool is None else (pool,)
        self._hold_again()
        tries.pause(self.plane.clock(), self._connect)

    def _count_retry(self, reason: str) -> None:
        self.retries += 1
        if self.backend is not None and self.backend.upstream is not None:
            self.backend.upstream.retries(reason)

    def on_request_reset(self, error: ProxyError) -> None:
        """The client is gone, or its body is malformed or late: the endpoint must not take it for whole."""
        self._give_up(error)
        if isinstance(error, ClientGone):
            self._finish(error)
        else:
            self._fail(error)

    def _on_request_timeout(self) -> None:
        error = UpstreamTimeout("request_timeout", "timeouts.request of the rule has passed")
        self._give_up(error)
        self._fail(error)

    def _on_call_timeout(self) -> None:
        error = UpstreamTimeout("grpc_timeout", "grpc-timeout of the call has passed")
        self._give_up(error)
        self._fail(error)

    def _on_attempt_timeout(self) -> None:
        error = UpstreamTimeout("backend_request_timeout", "timeouts.backendRequest of the rule has passed")
        self._give_up(error)
        self._attempt_failed(error)

    def _give_up(self, error: ProxyError) -> None:
        """Stop whatever is under way towards the endpoint."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.codec.reset(error)
        elif self.pool is not None:
            self.pool.forget(self)
        elif (
            self.backend is not None and self.backend.upstream is not None and self.backend.upstream.naming is not None
        ):
            self.backend.upstream.naming.forget(self)


def _no_endpoint(backend: str, upstream: LiveUpstream[EndpointPool]) -> ProxyError:
    """Where it is invalid, what was declared of its TLS cannot be followed, so it is not spoken to at all."""
    if upstream.invalid:
        return NoValidBackend(upstream.invalid, f"the TLS of {backend} is not valid")
    if upstream.naming is not None:
        return upstream.naming.error()
    return NoReadyEndpoint("no_ready_endpoint", f"{backend} has no ready endpoint")
