"""What control tells people on stderr: a summary at the start, each problem once, each change in a line."""

import logging
from collections.abc import Callable, Iterable, Sequence

from proxy.observe.live import count_rules
from proxy.resources.problem import Problem
from proxy.runtime.sockets import display
from proxy.snapshot.snapshot import Bind, Snapshot

log = logging.getLogger("penstock")

LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "notice": logging.INFO}
SHOWN = 20
"""Problems logged one by one; of more there is a count and a command that shows all."""


class Reporter:
    """Remembers what it has said."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """`say` prints a line for people."""
        self._say = say
        self._known: set[Problem] = set()

    def problems(self, problems: Iterable[Problem]) -> None:
        """Logs those that were not there before, and that all are gone when they are."""
        now = set(problems)
        fresh = sorted(now - self._known, key=lambda problem: problem.sort_key)
        for problem in fresh[:SHOWN]:
            log.log(LEVELS[problem.severity], "%s", problem)
        if len(fresh) > SHOWN:
            log.error("and %d more problems; `penstock check` shows all", len(fresh) - SHOWN)
        if self._known and not now:
            log.info("all problems are solved")
        self._known = now

    def installed(self, snapshot: Snapshot) -> None:
        log.info("generation %d: %s", snapshot.generation, summary(snapshot))

    def started(self, snapshot: Snapshot | None, bound: Sequence[Bind], workers: int, admin_url: str) -> None:
        """The summary for whoever has just typed the command."""
        if snapshot is None:
            return
        self._say(f"Penstock serves {summary(snapshot)} with {count(workers, 'worker')}.")
        for bind in bound:
            self._say(f"  {place(bind, snapshot)}  {', '.join(bind.listeners)}")
        if admin_url:
            self._say(f"  {admin_url}  dashboard, metrics, health")


def place(bind: Bind, snapshot: Snapshot) -> str:
    """As a URL, by what is spoken there: where TLS is passed on beside HTTPS, that of browsers."""
    spoken = {snapshot.listeners[key].protocol for key in bind.listeners if key in snapshot.listeners}
    scheme = next((name for name in ("HTTPS", "HTTP", "TLS", "TCP", "UDP") if name in spoken), "HTTP").lower()
    return f"{scheme}://{display(bind.address or 'localhost')}:{bind.port}"


def summary(snapshot: Snapshot) -> str:
    rules, backends = count(count_rules(snapshot), "rule"), count(len(snapshot.upstreams), "backend")
    return f"{rules} on {count(len(snapshot.listeners), 'listener')}, {backends}"


def count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
