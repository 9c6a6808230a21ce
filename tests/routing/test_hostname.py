"""Hostnames: what a wildcard covers, and which of several hostnames is found for a host."""

import pytest

from proxy.routing.hostname import HostIndex, covers


@pytest.mark.parametrize(
    ("hostname", "host", "expected"),
    [
        (b"", b"a.example.com", True),
        (b"", b"", True),
        (b"a.example.com", b"a.example.com", True),
        (b"a.example.com", b"b.example.com", False),
        (b"*.example.com", b"a.example.com", True),
        (b"*.example.com", b"a.b.example.com", True),
        (b"*.example.com", b"example.com", False),
        (b"*.example.com", b".example.com", False),
        (b"*.example.com", b"aexample.com", False),
        (b"*.example.com", b"", False),
        (b"*.example.com", b"*.example.com", True),
        (b"*.example.com", b"*.a.example.com", True),
        (b"*.a.example.com", b"*.example.com", False),
        (b"a.example.com", b"*.example.com", False),
    ],
)
def test_a_hostname_covers_a_host(hostname: bytes, host: bytes, expected: bool) -> None:
    assert covers(hostname, host) is expected


INDEX = HostIndex(
    (name, name or b"every host") for name in (b"", b"*.com", b"*.b.com", b"*.a.b.com", b"x.a.b.com", b"b.com")
)


@pytest.mark.parametrize(
    ("host", "found"),
    [
        (b"x.a.b.com", b"x.a.b.com"),
        (b"y.a.b.com", b"*.a.b.com"),
        (b"z.y.a.b.com", b"*.a.b.com"),
        (b"a.b.com", b"*.b.com"),
        (b"b.com", b"b.com"),
        (b"c.com", b"*.com"),
        (b"com", b"every host"),
        (b".com", b"every host"),
        (b"", b"every host"),
        (b"[::1]", b"every host"),
    ],
)
def test_the_most_specific_hostname_is_found(host: bytes, found: bytes) -> None:
    assert INDEX.find(host) == found


def test_wildcards_come_longest_first_and_all_of_them() -> None:
    assert list(INDEX.wildcards(b"q.x.a.b.com")) == [b"*.a.b.com", b"*.b.com", b"*.com"]


def test_nothing_is_found_where_nothing_covers_the_host() -> None:
    assert HostIndex([(b"a.com", 1), (b"*.b.com", 2)]).find(b"c.com") is None


def test_of_two_values_with_one_hostname_the_first_stays() -> None:
    index = HostIndex([(b"a", 1), (b"a", 2), (b"*.a", 3), (b"*.a", 4), (b"", 5), (b"", 6)])
    assert (index.find(b"a"), index.find(b"x.a"), index.find(b"x")) == (1, 3, 5)


def test_a_host_of_a_thousand_dots_is_cut_no_longer_than_the_longest_wildcard() -> None:
    index = HostIndex([(b"*.b.com", 1)])
    assert index.find(b"." * 5000 + b"a.b.com") == 1
    assert index.find(b"a." * 5000) is None


def test_every_hostname_is_listed_with_its_value() -> None:
    names = [b"", b"*.com", b"*.b.com", b"*.a.b.com", b"x.a.b.com", b"b.com"]
    assert sorted(INDEX.items()) == sorted((name, name or b"every host") for name in names)
