"""Tables: from host to the rule, falling through inside one listener only."""

from proxy.routing.listeners import PortTable
from proxy.routing.table import HostTable, ListenerTable
from proxy.snapshot.route import Entry, HostBucket, RouteMatch, Rule, ValueMatch


def bucket(hostname: bytes, *entries: tuple[str, RouteMatch, bytes]) -> HostBucket:
    """A bucket of one-rule routes: (name, match, the route's own hostname)."""
    rules = tuple(Rule(name, 0) for name, _, _ in entries)
    return HostBucket(hostname, rules, tuple(Entry(match, n, 0, own) for n, (_, match, own) in enumerate(entries)))


def table(*buckets: HostBucket) -> ListenerTable[str]:
    return ListenerTable({one.hostname: HostTable.compile(one, lambda rule: rule.route) for one in buckets})


def winner(of: ListenerTable[str], host: bytes, path: bytes = b"/", method: bytes = b"GET") -> str | None:
    hit = of.match(host, path, method, [], None)
    return None if hit is None else hit.rule


ANY = RouteMatch()
FOO = RouteMatch(b"/foo")


def test_the_most_specific_hostname_answers() -> None:
    routes = table(
        bucket(b"", ("any", ANY, b"")),
        bucket(b"*.com", ("wide", ANY, b"*.com")),
        bucket(b"*.b.com", ("narrow", ANY, b"*.b.com")),
        bucket(b"a.b.com", ("exact", ANY, b"a.b.com")),
    )
    asked = [b"a.b.com", b"x.b.com", b"y.x.b.com", b"b.com", b"com", b""]
    assert [winner(routes, host) for host in asked] == ["exact", "narrow", "narrow", "wide", "any", "any"]


def test_a_hostname_none_of_whose_rules_match_lets_the_next_one_answer() -> None:
    routes = table(
        bucket(b"a.b.com", ("exact", RouteMatch(b"/foo", method=b"PUT"), b"a.b.com")),
        bucket(b"*.b.com", ("narrow", FOO, b"*.b.com")),
        bucket(b"*.com", ("wide", RouteMatch(b"/bar"), b"*.com")),
        bucket(b"", ("any", RouteMatch(b"/any"), b"")),
    )
    asked = [(b"/foo", b"PUT"), (b"/foo", b"GET"), (b"/bar", b"GET"), (b"/any/x", b"GET"), (b"/none", b"GET")]
    assert [winner(routes, b"a.b.com", *one) for one in asked] == ["exact", "narrow", "wide", "any", None]


def test_a_less_specific_hostname_loses_whatever_its_path() -> None:
    routes = table(
        bucket(b"a.com", ("short", ANY, b"a.com")), bucket(b"*.com", ("long", RouteMatch(b"/foo", "exact"), b"*.com"))
    )
    assert winner(routes, b"a.com", b"/foo") == "short"


def test_under_one_hostname_the_more_specific_own_hostname_goes_first() -> None:
    """A listener for a.b.com brings together routes that say a.b.com, *.b.com and nothing."""
    routes = table(
        bucket(
            b"a.b.com",
            ("silent", RouteMatch(b"/foo/bar", "exact"), b""),
            ("wide", RouteMatch(b"/foo/bar"), b"*.b.com"),
            ("exact", FOO, b"a.b.com"),
            ("silent-too", ANY, b""),
        )
    )
    asked = [b"/foo/bar", b"/foo", b"/other"]
    assert [winner(routes, b"a.b.com", path) for path in asked] == ["exact", "exact", "silent-too"]
    assert winner(table(bucket(b"a.b.com", ("x", FOO, b""), ("y", FOO, b"*.com"))), b"a.b.com") is None


def test_a_hit_says_what_matched() -> None:
    match = RouteMatch(b"/foo", headers=(ValueMatch(b"x", b"1"),))
    one = HostBucket(b"*.com", (Rule("ns/a", 0), Rule("ns/a", 1)), (Entry(match, 1, 4, b"*.com"),))
    hit = HostTable.compile(one, lambda rule: rule).match(b"/foo/x", b"GET", [(b"x", b"1")], None)
    assert hit is not None
    assert (hit.rule.index, hit.match_index, hit.spec, hit.hostname) == (1, 4, match, b"*.com")


def test_bind_is_called_once_for_each_rule_and_hits_are_made_beforehand() -> None:
    bound = []
    one = HostBucket(b"", (Rule("ns/a", 0),), (Entry(ANY, 0, 0), Entry(FOO, 0, 1)))
    compiled = HostTable.compile(one, lambda rule: bound.append(rule) or rule)  # type: ignore[func-returns-value]
    first, again = (compiled.match(b"/foo", b"GET", [], None) for _ in range(2))
    assert first is again
    assert bound == [Rule("ns/a", 0)]


def test_an_empty_bucket_and_an_empty_listener_answer_nothing() -> None:
    assert winner(table(bucket(b"a.com")), b"a.com") is None
    assert winner(table(), b"a.com") is None


def test_a_port_chooses_one_listener_and_no_other_is_asked() -> None:
    wide, narrow = table(bucket(b"", ("wide", ANY, b""))), table(bucket(b"a.com", ("narrow", FOO, b"")))
    port = PortTable([(b"", wide), (b"a.com", narrow)])
    assert port.choose(b"a.com") is narrow
    assert winner(narrow, b"a.com", b"/bar") is None
    assert port.choose(b"b.com") is wide


def test_a_port_with_one_listener_for_every_host_chooses_it_at_once() -> None:
    assert PortTable([(b"", "only")]).choose(b"whatever") == "only"


def test_a_port_without_a_listener_for_the_host_chooses_none() -> None:
    assert PortTable([(b"*.a.com", "wild"), (b"b.com", "exact")]).choose(b"c.com") is None
    assert PortTable[str]([]).choose(b"c.com") is None
