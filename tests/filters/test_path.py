"""Path modifiers: the table of HTTPPathModifier, and paths whose encoding the client chose."""

import pytest

from proxy.filters.path import path_change
from proxy.snapshot.route import PathModifier


def replaced(raw_path: bytes, prefix: bytes, value: bytes) -> bytes:
    change = path_change(PathModifier("prefix", value, prefix))
    assert change is not None
    return change(raw_path)


@pytest.mark.parametrize(
    ("raw_path", "prefix", "value", "expected"),
    [
        (b"/foo/bar", b"/foo", b"/xyz", b"/xyz/bar"),
        (b"/foo/bar", b"/foo", b"/xyz/", b"/xyz/bar"),
        (b"/foo/bar", b"/foo/", b"/xyz", b"/xyz/bar"),
        (b"/foo/bar", b"/foo/", b"/xyz/", b"/xyz/bar"),
        (b"/foo", b"/foo", b"/xyz", b"/xyz"),
        (b"/foo/", b"/foo", b"/xyz", b"/xyz/"),
        (b"/foo/bar", b"/foo", b"", b"/bar"),
        (b"/foo/", b"/foo", b"", b"/"),
        (b"/foo", b"/foo", b"", b"/"),
        (b"/foo/", b"/foo", b"/", b"/"),
        (b"/foo", b"/foo", b"/", b"/"),
        (b"/bar", b"/", b"/xyz", b"/xyz/bar"),
        (b"/", b"/", b"/xyz", b"/xyz/"),
        (b"/foo/bar", b"/foo", b"xyz", b"/xyz/bar"),
    ],
)
def test_the_prefix_makes_way_and_the_rest_stays(raw_path: bytes, prefix: bytes, value: bytes, expected: bytes) -> None:
    assert replaced(raw_path, prefix, value) == expected


@pytest.mark.parametrize(
    ("raw_path", "prefix", "expected"),
    [
        (b"/%66oo/bar", b"/foo", b"/xyz/bar"),
        (b"/f%6f%6F", b"/foo", b"/xyz"),
        (b"/foo/%62ar%2Fbaz%20", b"/foo", b"/xyz/%62ar%2Fbaz%20"),
        (b"/~me/x", b"/%7Eme", b"/xyz/x"),
        (b"/%7eme/x", b"/~me", b"/xyz/x"),
        (b"/a%20b/x", b"/a%20b", b"/xyz/x"),
        (b"/foo//bar", b"/foo", b"/xyz//bar"),
    ],
)
def test_the_clients_encoding_survives(raw_path: bytes, prefix: bytes, expected: bytes) -> None:
    assert replaced(raw_path, prefix, b"/xyz") == expected


@pytest.mark.parametrize("raw_path", [b"/other", b"/foobar", b"/fo", b"/%66o", b"/", b"*", b"/f%6", b"/%66oobar"])
def test_a_path_that_an_earlier_filter_changed_is_left_alone(raw_path: bytes) -> None:
    assert replaced(raw_path, b"/foo", b"/xyz") == raw_path


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"/full", b"/full"),
        (b"", b"/"),
        (b"full", b"/full"),
        (b"/a?b#c d", b"/a%3Fb%23c%20d"),
        (b"/caf\xc3\xa9\r\n", b"/caf%C3%A9%0D%0A"),
        (b"/50%/%7E", b"/50%25/%7E"),
        (b"/a;b=c,d:e@f!$&'()*+~", b"/a;b=c,d:e@f!$&'()*+~"),
    ],
)
def test_a_full_path_is_a_path_whatever_was_configured(value: bytes, expected: bytes) -> None:
    change = path_change(PathModifier("full", value))
    assert change is not None
    assert change(b"/anything") == expected


def test_without_a_modifier_there_is_nothing_to_do() -> None:
    assert path_change(None) is None
