"""Boxes: the requests that meet certain conditions, and what two boxes have in common.

A match takes one box of requests. What two matches both take is a box, too, and of a box and a match it can
mostly be said by looking at conditions alone whether one lies within the other.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from proxy.routing.conditions import HEADER, METHOD, QUERY
from proxy.routing.path import decode_unreserved, prefix_key
from proxy.routing.regex import compile_pattern
from proxy.snapshot.route import RouteMatch

Place = tuple[int, bytes]
"""Where a condition looks: (PATH, b""), (METHOD, b""), (HEADER, name) or (QUERY, name)."""

PATH = 3
AT_PATH: Place = (PATH, b"")
AT_METHOD: Place = (METHOD, b"")


class Box(NamedTuple):
    """Requests that meet all of these."""

    exact: bytes | None
    """The whole path. Then `prefix` and `patterns` say nothing more."""
    prefix: bytes
    """As routing.path.prefix_key makes it."""
    patterns: tuple[bytes, ...]
    """Regular expressions for the path."""
    method: bytes
    equal: Mapping[Place, bytes]
    """Headers and query parameters by their value."""
    matching: Mapping[Place, tuple[bytes, ...]]
    """And by regular expressions; those that have a value are not here."""


EVERYTHING = Box(None, b"", (), b"", {}, {})


@lru_cache(maxsize=4096)
def fits(pattern: bytes, value: bytes) -> bool:
    """Whether the pattern matches all of the value, by the engine that serves."""
    return bool(_compiled(pattern)(value))


_compiled = lru_cache(maxsize=4096)(compile_pattern)


def is_under(path: bytes, prefix: bytes) -> bool:
    """Whether a PathPrefix, as prefix_key makes it, takes the path; `path` may be such a prefix itself."""
    return not prefix or path == prefix or path.startswith(prefix + b"/")


def box_of(match: RouteMatch) -> Box:
    """What a match takes."""
    asked = [((HEADER, one.name), one) for one in match.headers] + [((QUERY, one.name), one) for one in match.query]
    return Box(
        exact=decode_unreserved(match.path) if match.path_kind == "exact" else None,
        prefix=prefix_key(match.path) if match.path_kind == "prefix" else b"",
        patterns=(match.path,) if match.path_kind in ("regex", "call") else (),
        method=match.method,
        equal={place: one.value for place, one in asked if not one.regex},
        matching={place: (one.value,) for place, one in asked if one.regex},
    )


def common(one: Box, other: Box) -> Box | None:
    """What is in both; None: nothing, by what can be seen of their conditions."""
    if one.method and other.method and one.method != other.method:
        return None
    path = _common_path(one, other)
    values = _common_values(one, other)
    if path is None or values is None:
        return None
    return Box(*path, one.method or other.method, *values)


def _common_path(one: Box, other: Box) -> tuple[bytes | None, bytes, tuple[bytes, ...]] | None:
    if one.exact is not None or other.exact is not None:
        exact = other.exact if one.exact is None else one.exact
        assert exact is not None
        return (exact, b"", ()) if takes_path(one, exact) and takes_path(other, exact) else None
    longer, shorter = (one, other) if len(one.prefix) >= len(other.prefix) else (other, one)
    if not is_under(longer.prefix, shorter.prefix):
        return None
    return None, longer.prefix, tuple(dict.fromkeys(one.patterns + other.patterns))


_Values = tuple[dict[Place, bytes], dict[Place, tuple[bytes, ...]]]


def _common_values(one: Box, other: Box) -> _Values | None:
    if any(one.equal.get(place, value) != value for place, value in other.equal.items()):
        return None
    equal = {**one.equal, **other.equal}
    matching = dict(one.matching)
    for place, patterns in other.matching.items():
        matching[place] = tuple(dict.fromkeys(matching.get(place, ()) + patterns))
    for place in equal.keys() & matching.keys():
        if not all(fits(pattern, equal[place]) for pattern in matching.pop(place)):
            return None
    return equal, matching


def takes_path(box: Box, path: bytes) -> bool:
    if box.exact is not None:
        return path == box.exact
    return is_under(path, box.prefix) and all(fits(pattern, path) for pattern in box.patterns)


def takes(box: Box, path: bytes, method: bytes, values: Mapping[Place, bytes]) -> bool:
    """Whether one request is in the box. What is not in `values` the request does not have."""
    return (
        takes_path(box, path)
        and box.method in (b"", method)
        and all(values.get(place) == value for place, value in box.equal.items())
        and all(
            (value := values.get(place)) is not None and fits(pattern, value)
            for place, patterns in box.matching.items()
            for pattern in patterns
        )
    )


def undecided(box: Box, other: Box) -> list[Place] | None:
    """Where requests of `box` may fail the conditions of `other`.

    Nowhere: then `box` lies within `other`. None: they all fail, so the two have nothing in common.
    """
    places: list[Place] = []
    verdicts = [(AT_PATH, _path_verdict(box, other)), (AT_METHOD, _method_verdict(box, other))]
    verdicts += [(place, _equal_verdict(box, place, value)) for place, value in other.equal.items()]
    verdicts += [(place, _matching_verdict(box, place, patterns)) for place, patterns in other.matching.items()]
    for place, verdict in verdicts:
        if verdict is False:
            return None
        if verdict is None:
            places.append(place)
    return places


Verdict = bool | None
"""Whether all requests of a box meet a condition, or none does; None: some may, some may not."""


def _path_verdict(box: Box, other: Box) -> Verdict:
    if box.exact is not None:
        return takes_path(other, box.exact)
    if other.exact is not None:
        return None if takes_path(box, other.exact) else False
    if not is_under(box.prefix, other.prefix):
        return None if is_under(other.prefix, box.prefix) else False
    return True if set(other.patterns) <= set(box.patterns) else None


def _method_verdict(box: Box, other: Box) -> Verdict:
    if not other.method:
        return True
    return box.method == other.method if box.method else None


def _equal_verdict(box: Box, place: Place, value: bytes) -> Verdict:
    if place in box.equal:
        return box.equal[place] == value
    possible = all(fits(pattern, value) for pattern in box.matching.get(place, ()))
    return None if possible else False


def _matching_verdict(box: Box, place: Place, patterns: tuple[bytes, ...]) -> Verdict:
    if place in box.equal:
        return all(fits(pattern, box.equal[place]) for pattern in patterns)
    return True if set(patterns) <= set(box.matching.get(place, ())) else None
