"""Exchange: the life of one request, its phases from top to bottom. Those in the middle have files of their own.

    1 route -> 2 request filters                      here, and forward/filtering.py
            -> 3 select                               here
            -> 4 connect -> 5 send                    forward/attempt.py
            -> 6 response -> 7 relay                  here again
            -> 8 finish                               forward/ending.py

It is the sink of both streams (protocol.stream) and knows no HTTP version. It is driven by calls and
runs to the end without a task or a future, unless a phase has to wait; `_finish` is reached by every
exchange exactly once. The four files are one object, a class on the other, so that a phase costs no hop.
"""

import time

from proxy.errors import NoRoute, NoValidBackend, ProxyError, UpstreamClosed
from proxy.filters.base import FilterContext
from proxy.forward.discard import discard
from proxy.forward.filtering import Filtering, filter_failure
from proxy.forward.live import LiveBackend, LiveRule
from proxy.forward.mirror import Mirror
from proxy.forward.origin import Origin
from proxy.forward.record import Record
from proxy.forward.tries import Tries
from proxy.protocol.grpc import is_call
from proxy.protocol.message import Headers, Reply, Request, Response
from proxy.protocol.stream import DownstreamStream
from proxy.upstream.lease import Lease
from proxy.upstream.session import Place


class Exchange(Filtering):
    """One request and its response. Implements RequestSink, ResponseSink and Waiter."""

    __slots__ = ("_tunnel",)

    def __init__(self, origin: Origin, stream: DownstreamStream, request: Request) -> None:
        # All that the classes below hold, in one place: a constructor for each costs 0.15 µs per request, and
        # to find the only one that is left by super() 0.06 µs.
        Record.__init__(self, origin, request)
        self._stream = stream
        self._tries = None
        self._head_time = self.plane.timeouts.response_head
        self._mirrors = ()
        self._request_done = False
        self._blocked = False
        self._connection = None
        self._tried = ()
        self._early = None
        self._trailers = None
        self._wait = None
        self._tunnel = False
        self._context = None

    # --- 1 route -----------------------------------------------------------------------------

    def begin(self, end: bool) -> None:
        """`end`: the request has no body."""
        self._request_done = end
        request = self.request
        try:
            self.client, self.request_id = self.plane.forwarding.sign(request, self.origin.client)
            listener = self.listener = self.origin.port.table.choose(request.host)
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
        if rule.policy is not None:
            self._tries = Tries(rule.policy, self.plane, self.started, self._on_request_timeout)
            if rule.policy.calls is not None and is_call(request):
                self._stream.unhurried()
                self._tries.limit(request, self.started, self._on_call_timeout)
            self._head_time = self._tries.head_time
            if rule.sessions is not None:  # before filters change what the client has said
                self._tries.place = rule.sessions.read(request.headers, time.time())
        if rule.chain.on_request:
            self._filter(rule.chain.on_request)
        else:
            self._select()

    # --- 2 request filters: forward/filtering.py ---------------------------------------------

    def _filtered(self, context: FilterContext) -> None:
        if self.backend is None:
            self._select()
        else:
            if context.mirrored:
                self._mirror(context)
            self._connect()

    # --- 3 select ----------------------------------------------------------------------------

    def _select(self) -> None:
        rule, tries = self.rule, self._tries
        assert rule is not None
        backend = self.backend = rule.choose() if tries is None else _choose(rule, tries.place)
        if backend is None:
            self._refuse(NoValidBackend("no_backend", "the rule has no backend"))
        elif backend.chain.on_request:
            self._filter(backend.chain.on_request)
        else:
            if self._context is not None and self._context.mirrored:
                self._mirror(self._context)
            self._connect()

    def _mirror(self, context: FilterContext) -> None:
        """Begin the copies that filters have made, with as much of the body as has come."""
        if self.backend is None or self.backend.upstream is None:
            return
        assert self.rule is not None
        upstreams = self.rule.mirrors
        self._mirrors = tuple(Mirror(self.plane, upstreams[key], request) for key, request in context.mirrored)
        for mirror in self._mirrors:
            mirror.begin()
            for chunk in self._early or ():
                mirror.data(chunk)
            if self._request_done and self.request.content_length != 0:
                mirror.end(self._trailers)

    # --- 6 response --------------------------------------------------------------------------

    def on_response_informational(self, response: Response) -> None:
        if response.status != 100 or self.request.expect_continue:
            self._stream.send_informational(response)

    def on_response_head(self, response: Response, end: bool) -> None:
        now = self.plane.clock()
        rule, backend, connection = self.rule, self.backend, self._connection
        assert rule is not None and backend is not None and connection is not None
        tries = self._tries
        if tries is not None:
            if tries.retries_status(response.status) and self._may_retry():
                reason = f"status_{response.status}"
                self._connection = None
                discard(connection, response, now, UpstreamClosed(reason))
                self._retry(reason)
                return
            tries.kept = None
        self.first_byte = now
        if backend.chain.on_response or rule.chain.on_response:
            try:
                self._filter_response(response)
            except Exception as error:
                failure = filter_failure(error)
                self._give_up(failure)
                self._refuse(failure)
                return
        if tries is not None and tries.place is not None:
            self._keep_place(tries.place, response)
        self.status = response.status
        self.head_sent = True
        if response.status == 101:
            self._tunnel = True
            if self._tries is not None:
                self._tries.end()  # the response is complete; what follows is not HTTP
            connection.deadline.set(now + self.plane.timeouts.tunnel)
            self._stream.send_head(response, False)
            self._stream.resume()
            return
        self._stream.send_head(response, end)

    def _keep_place(self, place: Place, response: Response) -> None:
        rule, backend, pool = self.rule, self.backend, self.pool
        assert rule is not None and backend is not None and backend.upstream is not None and pool is not None
        value = place.value_for(rule.backends.index(backend), backend.upstream, pool, time.time())
        if value is not None and rule.sessions is not None:
            response.as_read = False
            rule.sessions.write(response, value, self.origin.client.scheme == "https")

    def _filter_response(self, response: Response) -> None:
        """What was put on nearest to the endpoint comes first: the backend's filters, then the rule's."""
        assert self.rule is not None and self.backend is not None
        context = self._filter_context()
        response.as_read = False
        for step in self.backend.chain.on_response:
            step(response, context)
        for step in self.rule.chain.on_response:
            step(response, context)

    @property
    def progress(self) -> int:
        return self.bytes_out + self.head_sent

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

    def _touch(self, connection: Lease) -> None:
        """An octet moved: the idle time starts anew."""
        timeouts = self.plane.timeouts
        connection.deadline.set(self.plane.clock() + (timeouts.tunnel if self._tunnel else timeouts.idle))

    # --- 8 however it ends -------------------------------------------------------------------

    def _filter_reply(self, reply: Reply) -> None:
        for holder in (self.backend, self.rule):
            if holder is not None:
                for step in holder.chain.on_reply:
                    step(reply, self._filter_context())


def _choose(rule: LiveRule, place: Place | None) -> LiveBackend | None:
    """The backend that the request's session is with, else the one whose turn it is: sessions come before weights."""
    return rule.choose() if place is None or place.index < 0 else rule.backends[place.index]
