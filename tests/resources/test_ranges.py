"""Ranges of addresses: what may be written, what lies inside, and the lowest that is free."""

import pytest

from proxy.resources.ranges import parse_range


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("10.0.0.1", "10.0.0.1", "10.0.0.1"),
        ("10.0.0.1-10.0.0.3", "10.0.0.1", "10.0.0.3"),
        (" 10.0.0.1 - 10.0.0.3 ", "10.0.0.1", "10.0.0.3"),
        ("192.0.2.0/28", "192.0.2.0", "192.0.2.15"),
        ("2001:db8::10", "2001:db8::10", "2001:db8::10"),
        ("2001:db8::/126", "2001:db8::", "2001:db8::3"),
        ("2001:DB8:0::1-2001:db8::ff", "2001:db8::1", "2001:db8::ff"),
    ],
)
def test_what_may_be_written(text: str, first: str, last: str) -> None:
    assert tuple(map(str, parse_range(text))) == (first, last)


@pytest.mark.parametrize(
    "text",
    ["", "-", "10.0.0.1-", "-10.0.0.1", "10.0.0.300", "10.0.0.1/28", "10.0.0.9-10.0.0.1", "10.0.0.1-::1",
     "gw.example.com", "10.0.0.1-10.0.0.2-10.0.0.3", "10.0.0.0/40", "010.0.0.1"],
)  # fmt: skip
def test_what_may_not(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_range(text)


def test_inside_is_by_number_and_version() -> None:
    part = parse_range("10.0.0.1-10.0.0.3")
    assert "10.0.0.1" in part
    assert "10.0.0.3" in part
    assert "10.0.0.4" not in part
    assert "::a00:1" not in part
    assert "not an address" not in part


def test_the_lowest_that_is_free_even_of_very_many() -> None:
    part = parse_range("2001:db8::/32")
    assert part.lowest_but(set()) == "2001:db8::"
    assert part.lowest_but({"2001:db8::", "2001:db8::1"}) == "2001:db8::2"
    assert parse_range("10.0.0.1-10.0.0.2").lowest_but({"10.0.0.1", "10.0.0.2"}) is None
