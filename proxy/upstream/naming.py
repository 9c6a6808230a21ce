"""Upstreams known by DNS name: what the names lead to, and requests that wait until that is first known.

Control looks names up and tells every worker; here nothing is ever asked. Once a name has an answer no request waits
for one again: whatever is known is used, until something else is.
"""

from collections.abc import Iterable
from typing import Protocol

from proxy.errors import NameNotResolved, Overloaded, ProxyError
from proxy.snapshot.names import NameKey, Resolved
from proxy.snapshot.session import Seat
from proxy.snapshot.snapshot import Endpoint, Upstream
from proxy.wheel import Deadline, Wheel


class NameWaiter(Protocol):
    """A request that cannot go on without an address."""

    def on_named(self) -> None:
        """Ask again: there may be endpoints."""

    def on_unnamed(self, error: ProxyError) -> None:
        """It took too long."""


class Naming:
    """What is known of the names of one upstream, and who waits for it."""

    __slots__ = ("_label", "_most", "_patience", "_seconds", "_waiting", "_wheel", "pending", "reason")

    def __init__(self, wheel: Wheel, label: str, seconds: float, most: int) -> None:
        """`seconds` to wait for a first answer, and so many requests at most that do."""
        self._wheel = wheel
        self._label = label
        self._seconds = seconds
        self._most = most
        self._waiting: dict[NameWaiter, float] = {}
        """In the order they came, each with the time at which it gives up."""
        self._patience = Deadline(wheel, self._refuse_late)
        self.pending = True
        """There is no address, and a name of which nothing is known yet."""
        self.reason = ""
        """Why they lead to no address."""

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def wait(self, waiter: NameWaiter) -> None:
        """Raises Overloaded at the limit."""
        if len(self._waiting) >= self._most:
            raise Overloaded("upstream_overflow", f"too many requests wait for {self._label}")
        until = self._wheel.clock() + self._seconds
        if not self._waiting:
            self._patience.set(until)
        self._waiting[waiter] = until

    def forget(self, waiter: NameWaiter) -> None:
        self._waiting.pop(waiter, None)

    def release(self) -> None:
        """There is something to know now."""
        waiting, self._waiting = self._waiting, {}
        self._patience.clear()
        for waiter in waiting:
            waiter.on_named()

    def error(self) -> NameNotResolved:
        """Why there is no endpoint."""
        return NameNotResolved(self.reason or "dns_pending", f"{self._label} has no address")

    def _refuse_late(self) -> None:
        now = self._wheel.clock()
        for waiter, until in list(self._waiting.items()):
            if until > now:
                self._patience.set(until)
                return
            if self._waiting.pop(waiter, None) is not None:
                waiter.on_unnamed(NameNotResolved("dns_pending", f"no answer for {self._label} in {self._seconds:g} s"))


class Addresses:
    """What control has told of names."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[NameKey, Resolved] = {}

    def learn(self, news: Iterable[Resolved]) -> frozenset[NameKey]:
        """Returns the names that they are about."""
        told = {item.name: item for item in news}
        self._known.update(told)
        return frozenset(told)

    def keep(self, wanted: frozenset[NameKey]) -> None:
        """Forget all others: when one is wanted again, control tells anew."""
        for key in self._known.keys() - wanted:
            del self._known[key]

    def endpoints(self, spec: Upstream) -> tuple[Endpoint, ...]:
        """Those declared, and those that the names lead to; each once."""
        found = dict.fromkeys(spec.endpoints)
        for name in spec.names:
            found.update((Endpoint(address, name.port), None) for address in self._addresses(name, spec))
        return tuple(found)

    def seats(self, spec: Upstream) -> tuple[Seat, ...]:
        """Of `endpoints`, in their order; none where no rule persists sessions."""
        if not spec.names or not spec.seats:
            return spec.seats
        found = dict(zip(spec.endpoints, spec.seats, strict=False))
        for name, seat in zip(spec.names, spec.seats[len(spec.endpoints) :], strict=True):
            for address in self._addresses(name, spec):
                found.setdefault(Endpoint(address, name.port), seat.of(address))
        return tuple(found.values())

    def _addresses(self, name: Endpoint, spec: Upstream) -> tuple[str, ...]:
        known = self._known.get(NameKey(name.host, spec.external))
        return known.addresses if known else ()

    def tell(self, naming: Naming, spec: Upstream) -> None:
        """Whether there is an answer, and if it is no address, why."""
        known = [self._known.get(key) for key in sorted(spec.name_keys)]
        told = [item for item in known if item is not None]
        naming.pending = len(told) < len(known) and not any(item.addresses for item in told)
        naming.reason = next((item.reason for item in told if item.reason), "")
