"""Patterns as languages, against RE2 itself; and the shortest words of them."""

import random

import pytest

from proxy.analysis.language import NOTHING, Language, after, choice, has_empty, literal
from proxy.analysis.pattern import Unreadable, language_of
from proxy.analysis.words import GivenUp, shortest_word
from proxy.routing.regex import BadPattern, compile_pattern

ATOMS = [
    "a", "b", "/", ".", "[ab]", "[^a]", r"\d", r"\w", r"[^\d/]", "(a|b)", "(?:ab)", "(?i:k)", "(?i)s", "[[:digit:]x]",
    "[[:^alpha:]]", r"\.", "[a-c]", "()", r"\x61", r"\x{62}", r"\141", "(?P<n>b)", "(?s:.)", r"\Qa.b\E", "-", "[]a]",
    "[a-]", r"[\]\-]", "é", "[à-ü]", r"\pL", r"\b",
]  # fmt: skip
REPEATS = ["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "+?", "{2,3}?"]
TEXTS = "ab/.1kKKsSſx-]\nàé "


def takes(language: Language, text: str) -> bool:
    for character in text:
        language = after(language, ord(character))
    return has_empty(language)


def some_pattern(rng: random.Random) -> str:
    branches = ["".join(rng.choice(ATOMS) + rng.choice(REPEATS) for _ in range(rng.randrange(1, 4))) for _ in range(2)]
    pattern = "|".join(branches[: rng.choice([1, 1, 2])])
    return rng.choice(["", "", "", "^", r"\A"]) + pattern + rng.choice(["", "", "", "$", r"\z"])


@pytest.mark.parametrize("seed", range(4))
def test_a_pattern_is_read_as_re2_reads_it(seed: int) -> None:
    rng = random.Random(seed)
    compared = matched = 0
    while compared < 3000:
        pattern = some_pattern(rng)
        try:
            theirs, ours = compile_pattern(pattern), language_of(pattern.encode())
        except (BadPattern, Unreadable):
            continue
        for _ in range(5):
            text = "".join(rng.choice(TEXTS) for _ in range(rng.randrange(5)))
            compared += 1
            matched += bool(theirs(text.encode()))
            assert takes(ours, text) == bool(theirs(text.encode())), f"{pattern!r} {text!r}"
    assert matched > 300


@pytest.mark.parametrize(
    "pattern", [rb"\bword", rb"a^b", rb"a$b", rb"(^a)", rb"\pL", rb"[\p{Greek}]", rb"(?m)^a$", b"\xff"]
)
def test_what_is_not_read_is_said_to_be_unreadable(pattern: bytes) -> None:
    with pytest.raises(Unreadable):
        language_of(pattern)


WORDS = [
    # (in all of these, in none of those, the shortest)
    (["/v[0-9]+/users/[^/]+"], [], "/v0/users/a"),
    (["/.*"], ["/", "/[a-z]"], "/0"),
    ([".*a.*", ".*b.*"], ["ab", "ba"], "aab"),
    (["[a-z]{3}"], [], "aaa"),
    (["a|b"], ["a|b"], None),
    (["/api/.*"], ["/api/(v1|v2)(/.*)?", "/api/[a-z0-9A-Z]*"], "/api/-"),
    (["x*"], [], ""),
    (["[^\\x00-\\x7f]"], [], "\x80"),
]


@pytest.mark.parametrize(("within", "outside", "word"), WORDS)
def test_the_shortest_word_that_is_left(within: list[str], outside: list[str], word: str | None) -> None:
    languages = [language_of(one.encode()) for one in within], [language_of(one.encode()) for one in outside]
    assert shortest_word(*languages) == word


def test_a_search_has_an_end() -> None:
    with pytest.raises(GivenUp):
        shortest_word([language_of(b"(.*a.{14})"), language_of(b"(.*b.{13})"), language_of(b"[ab]*c")])


def test_what_touches_nothing_is_nothing() -> None:
    assert choice() == NOTHING
    assert after(literal("a"), ord("b")) == NOTHING
