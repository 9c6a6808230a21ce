"""Companion: what goes along with what is served, such as the controller of a cluster."""

from collections.abc import Sequence
from typing import Protocol

from proxy.observe.metrics import WorkerMetrics
from proxy.translate.status.build import ObjectStatus
from proxy.translate.translate import Translation


class Companion(Protocol):
    """Told what is served; does its own work beside it, in the event loop of the control process."""

    @property
    def series(self) -> WorkerMetrics:
        """What it counts."""
        ...

    async def run(self) -> None:
        """Until it is cancelled. An exception ends the companion, not the gateway."""

    def served(self, translation: Translation, statuses: Sequence[ObjectStatus]) -> None:
        """Workers serve this from now on. Returns at once."""

    async def close(self) -> None:
        """Gives back what others wait for; called once, also when `run` has never begun.

        Called when a stop begins: workers still finish what they are at.
        """
