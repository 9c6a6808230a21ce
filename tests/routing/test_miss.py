"""Why nothing matched, as one word: the criterion of the entry that came nearest."""

import pytest

from proxy.routing.table import HostTable, ListenerTable
from proxy.snapshot.route import Entry, HostBucket, RouteMatch, Rule, ValueMatch

HOST = b"a.example.com"


def listener(*matches: RouteMatch, hostname: bytes = HOST) -> ListenerTable[Rule]:
    rules = tuple(Rule(f"ns/r{i}", 0) for i in range(len(matches)))
    entries = tuple(Entry(match, i, 0) for i, match in enumerate(matches))
    return ListenerTable({hostname: HostTable.compile(HostBucket(hostname, rules, entries), lambda rule: rule)})


TABLE = listener(
    RouteMatch(b"/exact", "exact", b"GET"),
    RouteMatch(b"/prefix", headers=(ValueMatch(b"x-a", b"1"),)),
    RouteMatch(b"/prefix/long", query=(ValueMatch(b"q", b"1"),)),
    RouteMatch(b"/re[0-9]", "regex", b"PUT", headers=(ValueMatch(b"x-b", b"b+", regex=True),)),
)


@pytest.mark.parametrize(
    ("host", "path", "method", "headers", "why"),
    [
        (b"b.example.com", b"/exact", b"GET", [], "host"),
        (HOST, b"/nowhere", b"GET", [], "path"),
        (HOST, b"/prefixed", b"GET", [], "path"),
        (HOST, b"/exact", b"POST", [], "method"),
        (HOST, b"/prefix/x", b"GET", [], "header"),
        (HOST, b"/prefix/x", b"GET", [(b"x-a", b"2")], "header"),
        (HOST, b"/prefix/long/x", b"GET", [], "query"),
        (HOST, b"/re1", b"GET", [(b"x-b", b"b")], "method"),
        (HOST, b"/re1", b"PUT", [(b"x-b", b"c")], "header"),
    ],
)
def test_the_nearest_entry_names_the_criterion(
    host: bytes, path: bytes, method: bytes, headers: list[tuple[bytes, bytes]], why: str
) -> None:
    assert TABLE.match(host, path, method, headers, None) is None
    assert TABLE.miss(host, path, method, headers, None) == why


def test_among_thousands_of_entries_a_few_are_looked_at() -> None:
    many = listener(*(RouteMatch(headers=(ValueMatch(b"x-tenant", b"%d" % i),)) for i in range(3000)))
    assert many.miss(HOST, b"/", b"GET", [(b"x-tenant", b"none")], None) == "header"
    methods = listener(*(RouteMatch(method=b"GET", query=(ValueMatch(b"q", b"%d" % i),)) for i in range(50)))
    assert methods.miss(HOST, b"/", b"POST", [], b"q=1") == "method"
    assert methods.miss(HOST, b"/", b"GET", [], b"q=none") == "query"


def test_a_wildcard_and_every_host_count_as_hosts() -> None:
    assert listener(RouteMatch(b"/a"), hostname=b"*.example.com").miss(HOST, b"/b", b"GET", [], None) == "path"
    assert listener(RouteMatch(b"/a"), hostname=b"").miss(HOST, b"/b", b"GET", [], None) == "path"
