"""Changes: requests that are answered otherwise, gathered so that each pair of answers is told once."""

from typing import Literal, NamedTuple

from proxy.analysis.effect import Effect
from proxy.analysis.witness import Witness
from proxy.snapshot.certificate import ClientValidation
from proxy.snapshot.route import Rule

What = Literal["rule", "not found", "closed", "misdirected", "nothing listens", "listener"]


class Outcome(NamedTuple):
    """What becomes of a request under one configuration."""

    what: What
    """`listener`: one takes it, and no more needs to be said; `misdirected`: 421; `closed`: by server name."""
    effect: Effect | None = None
    """Of `rule`."""
    rule: Rule | None = None
    match: int = 0
    listener: str = ""
    """Its key; where there are several, joined by commas."""
    address: str = ""
    """Of `listener`, where that is what differs."""
    clients: ClientValidation | None = None
    """Of `listener`, where that is what differs."""

    @property
    def identity(self) -> tuple[object, ...]:
        """Two outcomes of one identity are told as one."""
        named = (self.rule.owner, self.rule.index) if self.rule is not None else ()
        return self.what, self.effect, self.address, self.clients, named


class Asked(NamedTuple):
    """Where a witness is sent."""

    secure: bool
    address: str
    """Of the listening socket, "" for any."""
    port: int
    """As declared."""
    host: bytes
    server_name: bytes
    """The host again, unless it is sent on a connection for another."""
    witness: Witness


class Change(NamedTuple):
    """Requests whose answer changes, one of them as the witness."""

    asked: Asked
    old: Outcome
    new: Outcome
    places: int
    """Of how many combinations of host, entry before and entry after this is true."""


class Open(NamedTuple):
    """Requests of which it is not known whether there are any."""

    asked: Asked | None
    old: Outcome
    new: Outcome
    why: str


class Note(NamedTuple):
    """What differs and changes no answer."""

    listener: str
    text: str


class Comparison(NamedTuple):
    """All there is to say of two configurations."""

    changes: tuple[Change, ...]
    """The plainest witness first, by port and host."""
    undecided: tuple[Open, ...]
    notes: tuple[Note, ...]

    @property
    def same(self) -> bool:
        """Proved: every request is answered as before."""
        return not self.changes and not self.undecided


class Gathered:
    """Changes as they are found."""

    def __init__(self) -> None:
        self._changes: dict[object, Change] = {}
        self._undecided: dict[object, Open] = {}
        self._notes: dict[Note, None] = {}

    def change(self, asked: Asked, old: Outcome, new: Outcome) -> None:
        key = (old.identity, new.identity)
        known = self._changes.get(key)
        if known is None:
            self._changes[key] = Change(asked, old, new, 1)
        elif _size(asked) < _size(known.asked):
            self._changes[key] = Change(asked, old, new, known.places + 1)
        else:
            self._changes[key] = known._replace(places=known.places + 1)

    def undecided(self, old: Outcome, new: Outcome, why: str) -> None:
        self._undecided.setdefault((old.identity, new.identity), Open(None, old, new, why))

    def note(self, listener: str, text: str) -> None:
        self._notes[Note(listener, text)] = None

    def told(self) -> Comparison:
        changes = sorted(self._changes.values(), key=lambda change: _place(change.asked))
        still = {key: one for key, one in self._undecided.items() if key not in self._changes}
        return Comparison(tuple(changes), tuple(still.values()), tuple(self._notes))


def _size(asked: Asked) -> tuple[object, ...]:
    return (asked.server_name != asked.host, *asked.witness.size[:3], len(asked.host), asked.witness.path)


def _place(asked: Asked) -> tuple[object, ...]:
    return asked.port, asked.address, asked.host, asked.witness.path, asked.witness.size, asked.witness.method
