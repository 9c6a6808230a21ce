"""The ABNF reader itself: each notation of RFC 5234 with what it takes and what it refuses."""

import pytest

from tests.oracle.abnf import Grammar

NOTATION = Grammar(
    """
one-of = "a" / "b"
sequence = one-of "-" one-of
some = 1*DIGIT
any = *DIGIT
three = 3DIGIT
up-to-two = *2DIGIT
two-to-three = 2*3DIGIT
maybe = "x" [ "y" / "z" ]
grouped = "x" ( "y" / "z" ) ; a comment
exact-octets = %x48.54
folded = "HTTP"
long = "p"
       / "q"
DIGIT = %x30-39
"""
)


@pytest.mark.parametrize(
    ("rule", "taken", "refused"),
    [
        ("one-of", [b"a", b"b"], [b"", b"c", b"ab"]),
        ("sequence", [b"a-b"], [b"a", b"a-"]),
        ("some", [b"0", b"0123"], [b"", b"1a", b"\xb2"]),
        ("any", [b"", b"12"], [b"x"]),
        ("three", [b"123"], [b"12", b"1234"]),
        ("up-to-two", [b"", b"12"], [b"123"]),
        ("two-to-three", [b"12", b"123"], [b"1", b"1234"]),
        ("maybe", [b"x", b"xy", b"xz"], [b"xyz"]),
        ("grouped", [b"xy"], [b"x"]),
        ("exact-octets", [b"HT"], [b"ht"]),
        ("folded", [b"HTTP", b"http"], [b"HTTP\n"]),
        ("long", [b"p", b"q"], [b"pq"]),
    ],
)
def test_notation(rule: str, taken: list[bytes], refused: list[bytes]) -> None:
    assert [octets for octets in taken if not NOTATION.matches(rule, octets)] == []
    assert [octets for octets in refused if NOTATION.matches(rule, octets)] == []


def test_nested_repeats_take_linear_time() -> None:
    grammar = Grammar('value = *( char [ 1*( " " / char ) char ] )\nchar = %x61-7A\n')
    assert not grammar.matches("value", b"a " * 20_000 + b"!")
