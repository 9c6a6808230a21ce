"""From a path to the entries that ask for it: exact paths, then regular expressions, then prefixes, then calls.

Exact paths and prefixes are dictionary lookups. A prefix is looked up by cutting the request's path
at its slashes, the longest first, and never longer than the longest prefix there is.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Generic, TypeVar

from proxy.routing.dispatch import Node, build_node
from proxy.routing.hit import Headers, Hit
from proxy.routing.precedence import Key, entry_key
from proxy.routing.regex import FullMatch, compile_pattern, literal_prefix
from proxy.snapshot.route import Entry, RouteMatch, Rule

R = TypeVar("R")

UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def decode_unreserved(path: bytes) -> bytes:
    """The path with percent-encoded unreserved characters decoded (RFC 3986 section 6.2.2.2).

    Requests are matched in this form, so configured paths must take it, too.
    """
    if b"%" not in path:
        return path
    first, *parts = path.split(b"%")
    return first + b"".join(map(_decode_escape, parts))


def _decode_escape(part: bytes) -> bytes:
    """What follows a percent sign, with the character decoded when it is unreserved."""
    try:
        char = int(part[:2], 16) if part[:2].isalnum() and len(part) >= 2 else -1
    except ValueError:
        char = -1
    return bytes((char,)) + part[2:] if char in UNRESERVED else b"%" + part


def prefix_key(path: bytes) -> bytes:
    """A PathPrefix as it is compared: a trailing slash does not count, and "/" is empty."""
    return decode_unreserved(path).removesuffix(b"/")


def path_matches(match: RouteMatch, path: bytes) -> bool:
    """Whether one match takes this path: for explanations; tables look up instead of asking."""
    if match.path_kind == "exact":
        return path == decode_unreserved(match.path)
    if match.path_kind in ("regex", "call"):
        return bool(compile_pattern(match.path)(path))
    prefix = prefix_key(match.path)
    return not prefix or path == prefix or path.startswith(prefix + b"/")


Row = tuple[Entry, Rule, Hit[R]]
"""One entry, the rule it belongs to, and the hit that answers for it."""


class PathTable(Generic[R]):
    """Every entry of one hostname, by path."""

    __slots__ = ("_calls", "_exact", "_longest", "_prefixes", "_regexes", "_root")

    def __init__(self, rows: Iterable[Row[R]]) -> None:
        """Takes rows in any order. Raises regex.BadPattern."""
        exact: dict[bytes, list[Row[R]]] = {}
        prefixes: dict[bytes, list[Row[R]]] = {}
        regexes: list[Row[R]] = []
        calls: list[Row[R]] = []
        for row in rows:
            match = row[0].match
            if match.path_kind == "prefix":
                prefixes.setdefault(prefix_key(match.path), []).append(row)
            elif match.path_kind == "exact":
                exact.setdefault(decode_unreserved(match.path), []).append(row)
            elif match.path_kind == "call":
                calls.append(row)
            else:
                regexes.append(row)
        self._exact = {path: _leaf(group) for path, group in exact.items()}
        self._regexes = RegexPaths(regexes) if regexes else None
        self._calls = RegexPaths(calls) if calls else None
        self._prefixes = {path: _leaf(group) for path, group in prefixes.items()}
        self._root = self._prefixes.pop(b"", None)
        self._longest = max(map(len, self._prefixes), default=0)

    def match(self, path: bytes, method: bytes, headers: Headers, query: bytes | None) -> Hit[R] | None:
        """The first entry in order of precedence that takes this request."""
        if self._exact:
            node = self._exact.get(path)
            if node is not None:
                hit = node.select(method, headers, query)
                if hit is not None:
                    return hit
        if self._regexes is not None:
            hit = self._regexes.match(path, method, headers, query)
            if hit is not None:
                return hit
        end = len(path)
        if end > self._longest:
            end = path.rfind(b"/", 0, self._longest + 1)
        prefixes = self._prefixes
        while end > 0:
            node = prefixes.get(path[:end])
            if node is not None:
                hit = node.select(method, headers, query)
                if hit is not None:
                    return hit
            end = path.rfind(b"/", 0, end)
        if self._root is not None:
            hit = self._root.select(method, headers, query)
            if hit is not None:
                return hit
        return self._calls.match(path, method, headers, query) if self._calls is not None else None

    def nodes(self, path: bytes) -> Iterator[Node[R]]:
        """Every node that takes this path, whatever else it asks: for saying why nothing matched."""
        if path in self._exact:
            yield self._exact[path]
        if self._regexes is not None:
            yield from self._regexes.nodes(path)
        end = len(path) if len(path) <= self._longest else path.rfind(b"/", 0, self._longest + 1)
        while end > 0:
            if path[:end] in self._prefixes:
                yield self._prefixes[path[:end]]
            end = path.rfind(b"/", 0, end)
        if self._root is not None:
            yield self._root
        if self._calls is not None:
            yield from self._calls.nodes(path)


class RegexPaths(Generic[R]):
    """Entries whose path is a regular expression, in order of precedence.

    Only those are run whose literal beginning the path has; they are found by hashing the path's
    first characters, once for each length that such a beginning has. Patterns that begin with no literal
    (`.*`, `(a|b)`) are run one after the other.
    """

    __slots__ = ("_lengths", "_starts")

    def __init__(self, rows: Sequence[Row[R]]) -> None:
        self._starts: dict[bytes, list[tuple[int, FullMatch, Node[R]]]] = {}
        runs = groupby(sorted(rows, key=_row_key), key=lambda row: row[0].match.path)
        for place, (pattern, run) in enumerate(runs):
            node = build_node([hit for _, _, hit in run])
            self._starts.setdefault(literal_prefix(pattern), []).append((place, compile_pattern(pattern), node))
        self._lengths = sorted({len(start) for start in self._starts})

    def match(self, path: bytes, method: bytes, headers: Headers, query: bytes | None) -> Hit[R] | None:
        for _, pattern, node in self._candidates(path):
            if pattern(path):
                hit = node.select(method, headers, query)
                if hit is not None:
                    return hit
        return None

    def nodes(self, path: bytes) -> Iterator[Node[R]]:
        yield from (node for _, pattern, node in self._candidates(path) if pattern(path))

    def _candidates(self, path: bytes) -> list[tuple[int, FullMatch, Node[R]]]:
        found = [self._starts[start] for start in {path[:n] for n in self._lengths} if start in self._starts]
        if len(found) == 1:
            return found[0]
        return sorted((run for runs in found for run in runs), key=_place)


def _leaf(rows: list[Row[R]]) -> Node[R]:
    if len(rows) > 1:
        rows.sort(key=_row_key)
    return build_node([hit for _, _, hit in rows])


def _row_key(row: Row[R]) -> Key:
    return entry_key(row[0], row[1])


def _place(run: tuple[int, FullMatch, Node[R]]) -> int:
    return run[0]
