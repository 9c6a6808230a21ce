"""Paths: exact, regular expression, prefix, and which is asked first."""

import pytest

from proxy.routing.hit import Hit
from proxy.routing.path import PathTable, decode_unreserved, path_matches, prefix_key
from proxy.snapshot.route import Entry, PathKind, RouteMatch, Rule


def table(*matches: RouteMatch) -> PathTable[int]:
    """A table whose rules are numbered as listed."""
    return PathTable(
        (Entry(match, n, 0), Rule("ns/route", n), Hit(n, 0, match, b"", 0)) for n, match in enumerate(matches)
    )


def winner(of: PathTable[int], path: bytes, method: bytes = b"GET") -> int | None:
    hit = of.match(path, method, [], None)
    return None if hit is None else hit.rule


@pytest.mark.parametrize(
    ("kind", "configured", "path", "expected"),
    [
        ("exact", b"/two", b"/two", True),
        ("exact", b"/two", b"/two/", False),
        ("exact", b"/two", b"/Two", False),
        ("exact", b"/a%7Eb", b"/a~b", True),
        ("exact", b"/a%2Fb", b"/a%2Fb", True),
        ("exact", b"/", b"/", True),
        ("exact", b"/", b"", False),
        ("prefix", b"/", b"/anything", True),
        ("prefix", b"/", b"*", True),
        ("prefix", b"/abc", b"/abc", True),
        ("prefix", b"/abc", b"/abc/", True),
        ("prefix", b"/abc", b"/abc/def", True),
        ("prefix", b"/abc", b"/abcd", False),
        ("prefix", b"/abc", b"/ABC", False),
        ("prefix", b"/abc/", b"/abc", True),
        ("prefix", b"/abc/", b"/abc/def", True),
        ("prefix", b"/abc/", b"/abcd", False),
        ("prefix", b"/abc", b"/a", False),
        ("prefix", b"/%7Eme", b"/~me/x", True),
        ("prefix", b"/a/b", b"/a/b/c/d/e", True),
        ("prefix", b"/a/b", b"/a//b", False),
        ("prefix", b"/a", b"/a//b", True),
        ("regex", b"/a.*", b"/a/b", True),
        ("regex", b"/a", b"/a/b", False),
        ("regex", b"^/[0-9]+$", b"/42", True),
    ],
)
def test_one_match_and_one_path(kind: PathKind, configured: bytes, path: bytes, expected: bool) -> None:
    match = RouteMatch(configured, kind)
    assert path_matches(match, path) is expected
    assert (winner(table(match), path) == 0) is expected


def test_exact_goes_before_regex_before_prefix_and_longer_before_shorter() -> None:
    routes = table(
        RouteMatch(b"/"),
        RouteMatch(b"/a"),
        RouteMatch(b"/a/b"),
        RouteMatch(b"/a/[a-c]", "regex"),
        RouteMatch(b"/a/[a-c].*", "regex"),
        RouteMatch(b"/a/b", "exact"),
    )
    asked = [b"/a/b", b"/a/c", b"/a/b/x", b"/a/d", b"/x", b"/"]
    assert [winner(routes, path) for path in asked] == [5, 4, 4, 1, 0, 0]


def test_where_conditions_fail_the_next_shorter_path_answers() -> None:
    routes = table(
        RouteMatch(b"/"),
        RouteMatch(b"/a", method=b"PUT"),
        RouteMatch(b"/a/b", "exact", method=b"POST"),
        RouteMatch(b"/a/.", "regex", method=b"HEAD"),
    )
    methods = [b"POST", b"HEAD", b"PUT", b"GET"]
    assert [winner(routes, b"/a/b", method) for method in methods] == [2, 3, 1, 0]


def test_a_prefix_written_with_a_slash_goes_before_the_same_without() -> None:
    assert winner(table(RouteMatch(b"/foo"), RouteMatch(b"/foo/")), b"/foo") == 1


def test_patterns_of_one_length_are_told_apart_by_the_later_steps() -> None:
    routes = table(RouteMatch(b"/a.", "regex"), RouteMatch(b"/.b", "regex", method=b"GET"), RouteMatch(b"/a.", "regex"))
    assert [winner(routes, path) for path in (b"/ab", b"/ac", b"/xb", b"/xc")] == [1, 0, 1, None]


def test_many_patterns_are_found_by_their_literal_beginning() -> None:
    routes = table(
        *(RouteMatch(b"/service-%d/[a-z]+" % n, "regex") for n in range(500)), RouteMatch(b".*/last", "regex")
    )
    assert winner(routes, b"/service-499/x") == 499
    assert winner(routes, b"/service-4/last") == 4
    assert winner(routes, b"/other/last") == 500
    assert winner(routes, b"/service-4/1") is None


def test_a_long_path_is_cut_no_longer_than_the_longest_prefix() -> None:
    routes = table(RouteMatch(b"/a"), RouteMatch(b"/a/b/c"))
    assert winner(routes, b"/a" + b"/x" * 4000) == 0
    assert winner(routes, b"/abc" * 4000) is None
    assert winner(routes, b"") is None


@pytest.mark.parametrize(
    ("path", "decoded"),
    [
        (b"/plain", b"/plain"),
        (b"/%7Eme", b"/~me"),
        (b"/%7eme%41", b"/~meA"),
        (b"/a%2Fb%20", b"/a%2Fb%20"),
        (b"/%2e", b"/."),
        (b"/%zz%4", b"/%zz%4"),
        (b"%%41", b"%A"),
    ],
)
def test_only_unreserved_characters_are_decoded(path: bytes, decoded: bytes) -> None:
    assert decode_unreserved(path) == decoded


def test_a_trailing_slash_of_a_prefix_does_not_count() -> None:
    assert [prefix_key(path) for path in (b"/", b"/a", b"/a/", b"/%61/")] == [b"", b"/a", b"/a", b"/a"]
