"""Hit: what a match answers. Made once when a table is compiled, never per request."""

from typing import Generic, TypeVar

from proxy.snapshot.route import RouteMatch

R = TypeVar("R")
Headers = list[tuple[bytes, bytes]]
"""(name, value) in wire order, names lower-case."""


class Hit(Generic[R]):
    """One entry of the table: the match that was met and the rule that answers.

    A hit is also the simplest node of a dispatch tree: one that has no condition left to ask.
    """

    __slots__ = ("hostname", "match_index", "rank", "rule", "spec")

    def __init__(self, rule: R, match_index: int, spec: RouteMatch, hostname: bytes, rank: int) -> None:
        self.rule = rule
        """What `bind` made of the rule."""
        self.match_index = match_index
        self.spec = spec
        """The match as configured."""
        self.hostname = hostname
        """The hostname it was found under: exact, wildcard, or b"" for every host."""
        self.rank = rank
        """Its place in the order of precedence among the entries of its path; smaller wins."""

    def select(self, method: bytes, headers: Headers, query: bytes | None) -> "Hit[R] | None":
        """Itself: nothing is left to ask."""
        return self
