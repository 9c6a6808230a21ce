"""Regular expressions: anchored, linear, and refused with a reason."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.routing.regex import BadPattern, compile_pattern, literal_prefix, pattern_error


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("/v[0-9]", b"/v1", True),
        ("/v[0-9]", b"/v1/x", False),
        ("/v[0-9]", b"x/v1", False),
        ("a|b", b"b", True),
        ("a|ab", b"ab", True),
        ("caf.", "café".encode(), True),
        ("a.", b"a\xff", False),
        ("(?i)get", b"GET", True),
        ("", b"", True),
    ],
)
def test_the_whole_text_must_match(pattern: str, text: bytes, expected: bool) -> None:
    assert bool(compile_pattern(pattern)(text)) is expected
    assert bool(compile_pattern(pattern.encode())(text)) is expected


def test_a_pattern_that_backtracks_elsewhere_is_answered_at_once() -> None:
    assert not compile_pattern(b"(a*)*b")(b"a" * 100_000)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("[a", "missing ]: [a"),
        ("a(?=b)", "invalid perl operator: (?="),
        (r"(a)\1", r"invalid escape sequence: \1"),
        ("(a{1000}){1000}", "invalid repetition size: {1000}"),
        (b"\xff", "invalid UTF-8"),
    ],
)
def test_a_bad_pattern_says_what_is_wrong(pattern: str | bytes, why: str) -> None:
    assert pattern_error(pattern) == why
    with pytest.raises(BadPattern):
        compile_pattern(pattern)


def test_a_good_pattern_has_no_error() -> None:
    assert pattern_error("/users/[0-9]+") == ""


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        (b"/users/[0-9]+", b"/users/"),
        (b"^/users$", b"/users"),
        (b"/users?", b"/user"),
        (b"/users*", b"/user"),
        (b"/users{0,1}", b"/user"),
        (b"/users+", b"/users"),
        (b"/a|/b", b""),
        (b"/a(b|c)", b""),
        (b"(?i)/a", b""),
        (rb"/a\.b", b"/a"),
        (b"/caf\xc3\xa9?", b"/caf"),
        (b"/plain", b"/plain"),
        (b"", b""),
    ],
)
def test_the_literal_beginning_of_a_pattern(pattern: bytes, prefix: bytes) -> None:
    assert literal_prefix(pattern) == prefix


@given(st.text("ab/.*+?|()[]^$", max_size=8), st.text("ab/", max_size=5))
def test_every_match_begins_with_the_literal_beginning(pattern: str, text: str) -> None:
    if not pattern_error(pattern) and compile_pattern(pattern)(text.encode()):
        assert text.encode().startswith(literal_prefix(pattern.encode()))


def test_the_oracle_dialect_agrees_where_it_is_used() -> None:
    """Python's `re`, which the oracle uses, and RE2 mean the same by the plain patterns of the tests."""
    for pattern in (b"/a.*", b"/[ab]", b"/(a|b)/?", b"^/a/b$", b"/a/b|/b"):
        for text in (b"/a", b"/a/b", b"/b", b"/ab", b"/", b""):
            assert bool(compile_pattern(pattern)(text)) is bool(re.fullmatch(pattern, text))
