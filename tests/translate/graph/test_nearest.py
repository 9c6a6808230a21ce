"""The nearest name that exists."""

import pytest

from proxy.translate.graph.nearest import Names

NAMES = Names(["hello", "world", "api-server"])


@pytest.mark.parametrize(
    ("word", "meant"),
    [("helo", "hello"), ("helllo", "hello"), ("hallo", "hello"), ("ehllo", "hello"), ("Hello", "hello"),
     ("api-server", "api-server"), ("xyz", None), ("", None), ("helxx", None)],
)  # fmt: skip
def test_one_slip_is_forgiven(word: str, meant: str | None) -> None:
    assert NAMES.nearest(word) == meant


def test_of_two_near_names_the_first_is_named() -> None:
    assert Names(["web-2", "web-1"]).nearest("web-3") == "web-1"


def test_the_hint_names_the_nearest_else_lists_a_few() -> None:
    assert NAMES.hint("helo", "Services") == "did you mean 'hello'?"
    assert NAMES.hint("xyz", "Services") == "the Services are: api-server, hello, world"
    assert Names(map(str, range(10, 18))).hint("x", "ports") == "the ports are: 10, 11, 12, 13, 14 and 3 more"
    assert Names([]).hint("x", "Gateways") == "nothing declares any Gateways"
