"""The shortest text that is in some languages and in none of others: a search over what may follow each character."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from proxy.analysis.language import (
    LAST,
    NOTHING,
    Chars,
    Choice,
    Language,
    Ranges,
    Repeat,
    after,
    has_empty,
)

STATES = 4000
"""States of a search after which it is given up."""

State = tuple[tuple[Language, ...], frozenset[Language]]
"""What may follow: of every language that the text must be in, and of those that it must not be in."""


class GivenUp(Exception):
    """The search became too large: there may be such a text, or none."""


def shortest_word(within: Sequence[Language], outside: Iterable[Language] = ()) -> str | None:
    """None: there is none. Of several shortest the one that reads best. Raises GivenUp."""
    start: State = (tuple(within), frozenset(outside))
    letters = _letters((*start[0], *start[1]))
    reached = {start}
    queue = deque([(start, "")])
    while queue:
        state, text = queue.popleft()
        if all(map(has_empty, state[0])) and not any(map(has_empty, state[1])):
            return text
        for letter in letters:
            state_after = _after(state, letter)
            if NOTHING not in state_after[0] and state_after not in reached:
                reached.add(state_after)
                queue.append((state_after, text + chr(letter)))
        if len(reached) > STATES:
            raise GivenUp
    return None


def _after(state: State, letter: int) -> State:
    within = tuple(after(one, letter) for one in state[0])
    return within, frozenset(after(one, letter) for one in state[1]) - {NOTHING}


# --- letters ----------------------------------------------------------------------------------

_SURROGATES = (0xD800, 0xDFFF)
"""No characters; RE2 reads UTF-8, in which they cannot be written."""


def _letters(languages: Iterable[Language]) -> list[int]:
    """One character for all that no class tells apart, the plainest first."""
    cuts = {0, _SURROGATES[0], _SURROGATES[1] + 1, LAST + 1}
    for first, last in _classes(languages):
        cuts |= {first, last + 1}
    borders = sorted(cuts)
    pieces = [(first, end - 1) for first, end in pairwise(borders)]
    return sorted(
        (_plainest(*piece) for piece in pieces if not _SURROGATES[0] <= piece[0] <= _SURROGATES[1]), key=_rank
    )


def _classes(languages: Iterable[Language]) -> Iterator[tuple[int, int]]:
    seen: set[Language] = set()
    waiting = list(languages)
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if isinstance(one, Chars):
            yield from one.ranges
        elif isinstance(one, Choice):
            waiting += one.of
        elif isinstance(one, Repeat):
            waiting.append(one.body)
        else:
            waiting += [one.first, one.rest]


_PLAIN: Ranges = ((0x61, 0x7A), (0x30, 0x39), (0x41, 0x5A), (0x2D, 0x2D), (0x21, 0x7E))


def _plainest(first: int, last: int) -> int:
    for low, high in _PLAIN:
        if first <= high and low <= last:
            return max(first, low)
    return first


def _rank(letter: int) -> tuple[int, int]:
    places = (place for place, (low, high) in enumerate(_PLAIN) if low <= letter <= high)
    return next(places, len(_PLAIN)), letter
