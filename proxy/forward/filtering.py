"""Filtering: the request filters of a rule and of a backend, phase 2 of an exchange, and what they wait for.

    a step -> nothing: the next step; after the last one the exchange goes on
           -> a Reply: it ends here
           -> an awaitable: a task, and a limit of time; nothing is forwarded and the body is not read meanwhile
           -> WholeBody: the body is read, as far as it may be, and kept for the steps and for the backend

While one waits, the client may leave and `timeouts.request` may pass: then it is cancelled.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable

from proxy.errors import ContentTooLarge, FilterFailed, FilterTimeout, ProxyError
from proxy.filters.base import FilterContext, WholeBody
from proxy.forward.attempt import Attempts
from proxy.forward.outside import RuleOutside
from proxy.forward.suspend import BodyWait, Steps, Wait, run_until_it_waits
from proxy.protocol.message import Headers, Reply, Response
from proxy.protocol.names import letters


class Filtering(Attempts):
    """The part of an exchange that runs filters on its request."""

    __slots__ = ("_context",)

    _context: FilterContext | None
    """None as long as no filter has needed it."""

    def _filter(self, steps: Steps) -> None:
        """Run steps; the rule's lead to the choice of a backend, the backend's to a connection."""
        context = self._filter_context()
        self.request.as_read = False
        for i, step in enumerate(steps):
            try:
                outcome = step(self.request, context)
                if outcome is None:
                    continue
                ended = outcome if isinstance(outcome, Reply) else self._suspend(outcome, steps[i + 1 :])
            except Exception as error:
                self._refuse(filter_failure(error))
                return
            if isinstance(ended, Reply):
                self._answer(ended)
            if ended is not None:
                return
        if self._trailers:
            self._trailers = self._passed_on(self._trailers)
        self._filtered(context)

    @abstractmethod
    def _filtered(self, context: FilterContext) -> None:
        """All steps have let the request pass."""

    def _passed_on(self, trailers: Headers) -> Headers | None:
        """Without what only a filter may set: some servers take trailers for header fields."""
        vouched = self._context.vouched if self._context is not None else None
        return [field for field in trailers if letters(field[0]) not in vouched] or None if vouched else trailers

    def _filter_context(self) -> FilterContext:
        if self._context is None:
            origin, rule = self.origin, self.rule
            outside = RuleOutside(self.plane, rule.asked) if rule is not None and rule.asked else None
            self._context = FilterContext(origin.client.scheme, origin.client.port, self.client, outside)
        return self._context

    # --- a step waits ------------------------------------------------------------------------

    def _suspend(self, wanted: WholeBody | Awaitable[Reply | None], steps: Steps) -> Reply | Wait | BodyWait | None:
        """What is waited for, and then goes on by itself; where there is nothing to wait for, what came of it."""
        if isinstance(wanted, WholeBody):
            return self._await_body(wanted.at_most, steps)
        since = self.plane.clock()
        ran = run_until_it_waits(self.plane.loop, wanted, self._on_filter_done)
        if not isinstance(ran, asyncio.Future):
            return ran
        overdue = self.plane.filter_time.lend(self.plane.wheel, since, self._on_filter_timeout)
        self._wait = wait = Wait(ran, steps, since, overdue)
        return wait

    def _on_filter_done(self, task: "asyncio.Future[Reply | None]") -> None:
        failure = FilterFailed("filter_cancelled") if task.cancelled() else task.exception()
        wait = self._wait
        if not isinstance(wait, Wait) or wait.task is not task:
            return
        self._stop_waiting(wait)
        if failure is not None:
            self._refuse(filter_failure(failure))
            return
        reply = task.result()
        if reply is not None:
            self._answer(reply)
        else:
            self._filter(wait.steps)

    def _on_filter_timeout(self) -> None:
        error = FilterTimeout("filter_timeout", f"a filter waited for {self.plane.filter_time.seconds:g} s")
        self._give_up(error)
        self._fail(error)

    def _stop_waiting(self, wait: Wait | BodyWait) -> None:
        """Also breaks the cycle from the exchange to the deadline and back."""
        self._wait = None
        self.waited += self.plane.clock() - wait.since
        if isinstance(wait, Wait):
            self.plane.filter_time.take_back(wait.overdue)

    def _give_up(self, error: ProxyError) -> None:
        """A filter that still waits is not waited for, either."""
        super()._give_up(error)
        wait = self._wait
        if wait is not None:
            self._stop_waiting(wait)
            if isinstance(wait, Wait):
                wait.task.cancel()

    # --- the body is waited for --------------------------------------------------------------

    def _await_body(self, at_most: int, steps: Steps) -> BodyWait | None:
        """Raises ContentTooLarge as soon as that is known.

        A client that wants to hear 100 first hears it from us: the endpoint will be sent a body that is there.
        """
        request = self.request
        come = sum(map(len, self._early or ()))
        if max(come, request.content_length) > at_most:
            raise _too_large(at_most)
        if self._request_done:
            self._keep_body()
            return None
        self._wait = wait = BodyWait(at_most, come, steps, self.plane.clock())
        if request.expect_continue:
            request.expect_continue = False
            self._stream.send_informational(Response(100))
        if self._early is not None:
            self._stream.resume()
        return wait

    def _gather(self, wait: BodyWait, size: int) -> None:
        wait.room -= size
        if wait.room < 0:
            self._stop_waiting(wait)
            self._refuse(_too_large(wait.at_most))

    def _gathered(self, wait: BodyWait) -> None:
        self._stop_waiting(wait)
        self._keep_body()
        self._filter(wait.steps)

    def _keep_body(self) -> None:
        """In one piece, which filters and the endpoint share."""
        body = b"".join(self._early or ())
        self._filter_context().body = body
        if self._early is not None:
            self._early = [body] if body else []


def _too_large(at_most: int) -> ProxyError:
    return ContentTooLarge("filter_body_too_large", f"a filter takes bodies of up to {at_most} octets")


def filter_failure(error: BaseException) -> ProxyError:
    """What the client is told of whatever a filter has raised."""
    if isinstance(error, ProxyError):
        return error
    return FilterFailed("filter_failed", f"{type(error).__name__}: {error}")
