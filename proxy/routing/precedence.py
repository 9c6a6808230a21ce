"""Which of several matching entries answers: the precedence of the Gateway API as one sort key.

HTTPRouteSpec.hostnames gives steps 1 and 2, HTTPRouteRule.matches steps 3 to 10 (of calls, GRPCRouteSpec.hostnames and
GRPCRouteRule.matches); the smallest key wins.
Where the text leaves room, the choices made here are:

- Steps 1 and 2 look at the hostname that listener and route have in common, and only then at the
  route's own. They differ when a listener narrows a wide route: of two routes that meet on
  a.example.com the one that says so goes before the one that says nothing.
- A regular expression goes after Exact and before PathPrefix, the longer pattern first.
- The length of a prefix is that of the text as written: /foo/ goes before /foo.
- Calls (GRPCRouteRule.matches) are ranked by characters of the service, then of the method, in the place of path
  and method. Names that are written out go before regular expressions: service and method, then a service alone
  (the kinds "exact" and "prefix"), then the kind "call", which holds patterns, methods alone, and no name at all.
- Step 9 compares the joined text "namespace/name": "a-b/x" goes before "a/x".
"""

from proxy.snapshot.route import Entry, PathKind, RouteMatch, Rule

Key = tuple[int | str | bool, ...]

CRITERIA = (
    "hostname",
    "hostname length",
    "route hostname",
    "route hostname length",
    "path type",
    "path length",
    "rpc method length",
    "method",
    "header count",
    "query parameter count",
    "creation time",
    "route name",
    "rule order",
    "match order",
)
"""The name of each place in a key, in words for a user."""

_PATH_ORDER: dict[PathKind, int] = {"exact": 0, "regex": 1, "prefix": 2, "call": 3}


def host_key(hostname: bytes) -> tuple[int, int]:
    """Steps 1 and 2: characters of the hostname unless it is a wildcard, then characters as written."""
    return (0 if hostname.startswith(b"*") else -len(hostname), -len(hostname))


def path_key(match: RouteMatch) -> tuple[int, int, int]:
    """Steps 3 and 4: the kind of path, then the longer one. Of calls the longer service, then the longer method."""
    kind, call = _PATH_ORDER[match.path_kind], match.call
    if call is None:
        return (kind, -len(match.path), 0)
    return (kind, -len(call.service), -len(call.method))


def condition_key(match: RouteMatch) -> tuple[bool, int, int]:
    """Steps 5 to 7: a method before none, then more headers, then more query parameters."""
    return (match.method == b"", -len(match.headers), -len(match.query))


def tie_key(rule: Rule, match_index: int) -> tuple[str, str, int, int]:
    """Steps 8 to 10: the older route, the name that sorts first, the earlier rule and match."""
    return (rule.created, rule.route, rule.index, match_index)


def entry_key(entry: Entry, rule: Rule) -> Key:
    """Steps 3 to 10: the order among entries of one hostname."""
    match = entry.match
    return path_key(match) + condition_key(match) + tie_key(rule, entry.match_index)


def sort_key(hostname: bytes, entry: Entry, rule: Rule) -> Key:
    """The whole order. `hostname` is that of the bucket, the one listener and route have in common."""
    return host_key(hostname) + host_key(entry.own) + entry_key(entry, rule)


def decided_by(winner: Key, loser: Key) -> str:
    """The first criterion in which two keys differ; "" when they do not."""
    for name, ours, theirs in zip(CRITERIA, winner, loser, strict=True):
        if ours != theirs:
            return name
    return ""
