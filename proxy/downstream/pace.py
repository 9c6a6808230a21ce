"""How fast the body of one request must come: the next octets in time, and all of them at a lowest rate."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from proxy.wheel import Deadline

if TYPE_CHECKING:
    from proxy.downstream.listeners import BoundPort


class BodyPace:
    """Runs from its making until `stop`, but for the time in which we hold the client back."""

    __slots__ = ("_bound", "_deadline", "_patience", "_paused")

    def __init__(self, bound: "BoundPort", late: Callable[[], None]) -> None:
        self._bound = bound
        self._deadline = Deadline(bound.wheel, late)
        self._patience = bound.clock() + bound.settings.body_timeout
        """When the body is too slow: moved on by every octet of it. While paused, how long is left."""
        self._paused = False
        self.received(0)

    def received(self, size: int) -> None:
        settings = self._bound.settings
        self._patience += size / settings.body_rate
        if self._paused:
            return  # octets that were read before; a client that is held back cannot be late
        self._deadline.set(min(self._bound.clock() + settings.body_timeout, self._patience))

    def pause(self) -> None:
        self._deadline.clear()
        self._patience -= self._bound.clock()
        self._paused = True

    def resume(self) -> None:
        self._patience += self._bound.clock()
        self._paused = False
        self.received(0)

    def stop(self) -> None:
        self._deadline.drop()
