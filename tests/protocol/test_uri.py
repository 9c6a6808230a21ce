"""Request paths and hosts: what is matched is what is forwarded, and what hides a dot segment is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import MalformedRequest
from proxy.protocol.uri import matched_host, matched_path, resolve_dot_segments
from tests.oracle import paths
from tests.oracle.http_abnf import HTTP

FORWARDED: list[tuple[bytes, bytes, bytes]] = [
    # received, forwarded, matched
    (b"/", b"/", b"/"),
    (b"/a/b", b"/a/b", b"/a/b"),
    (b"//a///b", b"//a///b", b"//a///b"),
    (b"/open/../admin", b"/admin", b"/admin"),
    (b"/open/./a", b"/open/a", b"/open/a"),
    (b"/open/..", b"/", b"/"),
    (b"/open/.", b"/open/", b"/open/"),
    (b"/../../a", b"/a", b"/a"),
    (b"/a/b/../../../c", b"/c", b"/c"),
    (b"/a//../b", b"/a/b", b"/a/b"),
    (b"/.a/..b/c./...", b"/.a/..b/c./...", b"/.a/..b/c./..."),
    (b"/%7Eu", b"/%7Eu", b"/~u"),
    (b"/%61%5A%30%2d%5f", b"/%61%5A%30%2d%5f", b"/aZ0-_"),
    (b"/a%2Eb", b"/a%2Eb", b"/a.b"),
    (b"/a/../%7e", b"/%7e", b"/~"),
    (b"/@scope%2fname", b"/@scope%2fname", b"/@scope%2fname"),
    (b"/projects/a%2Fb", b"/projects/a%2Fb", b"/projects/a%2Fb"),
    (b"/a%5Cb", b"/a%5Cb", b"/a%5Cb"),
    (b"/a%20b%3F%23", b"/a%20b%3F%23", b"/a%20b%3F%23"),
    (b"/%2561", b"/%2561", b"/%2561"),
    (b"/%25252e%25252e/", b"/%25252e%25252e/", b"/%25252e%25252e/"),
    (b"/%e4%bd%a0", b"/%e4%bd%a0", b"/%e4%bd%a0"),
    (b"/%C0%B0", b"/%C0%B0", b"/%C0%B0"),
    (b"/a;b=c/d;e", b"/a;b=c/d;e", b"/a;b=c/d;e"),
    (b"/a..;b/c", b"/a..;b/c", b"/a..;b/c"),
    (b"/a\\b", b"/a\\b", b"/a\\b"),
    (b"/...%2f", b"/...%2f", b"/...%2f"),
]


@pytest.mark.parametrize(("received", "forwarded", "matched"), FORWARDED, ids=[repr(row[0])[2:-1] for row in FORWARDED])
def test_forwarded_and_matched(received: bytes, forwarded: bytes, matched: bytes) -> None:
    assert matched_path(received) == (forwarded, matched)


REFUSED = [
    # one round of decoding
    b"/open/%2e%2e/admin", b"/open/%2E%2E/admin", b"/open/.%2e/admin", b"/open/%2e./admin", b"/open/%2e/admin", b"/%2e",
    b"/%2e%2e", b"/a/%2e%2e",
    # decoded separators
    b"/open/..%2fadmin", b"/open/..%2Fadmin", b"/open%2f..%2fadmin", b"/open%2f../x%2f..", b"/..%5cadmin", b"/a%5c..",
    b"/a%2f.", b"/a%2f%2e%2e",
    # literal backslashes
    b"/open/..\\admin", b"/open\\..\\admin", b"/open\\..", b"\\..".join([b"/", b""]),
    # parameters
    b"/open/..;/admin", b"/open/..;a=b/admin", b"/open/.;/admin", b"/open/..%3b/admin", b"/open/..%3Ba/admin",
    b"/open/%2e%2e;/admin", b"/..;",
    # two rounds of decoding
    b"/open/%252e%252e/admin", b"/open/%252e./admin", b"/open/..%252fadmin", b"/open/..%255cadmin", b"/..%253bx/admin",
    b"/%25%32%65%25%32%65/a", b"/%%32e/",
    # overlong UTF-8
    b"/open/%c0%ae%c0%ae/admin", b"/open/.%C0%AE/admin", b"/open/..%c0%afadmin", b"/open/..%c1%9cadmin",
    b"/open/%e0%80%ae./admin", b"/open/%f0%80%80%ae./admin", b"/open/..%e0%80%afadmin", b"/%25c0%25ae/",
    # escapes that are none
    b"/%", b"/%2", b"/a%2", b"/%zz", b"/%2g", b"/a%/b", b"/%u002e/",
]  # fmt: skip


@pytest.mark.parametrize("path", REFUSED, ids=[repr(path)[2:-1] for path in REFUSED])
def test_refused(path: bytes) -> None:
    with pytest.raises(MalformedRequest) as refusal:
        matched_path(path)
    assert refusal.value.status == 400


PIECES = st.sampled_from(
    [b"/", b".", b"..", b"%2e", b"%2E", b"%2f", b"%5c", b"\\", b";", b"%3b", b"%25", b"2e", b"2f", b"a", b"%41",
    b"%c0", b"%ae",
     b"%af", b"%e0", b"%80", b"%f0", b"%7e", b"%", b"c0", b"ae", b"%c1%9c"]
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(PIECES, max_size=9).map(lambda pieces: b"/" + b"".join(pieces)))
def test_paths_against_the_oracle(path: bytes) -> None:
    try:
        expected = paths.resolve(path)
    except paths.HiddenDotSegment:
        with pytest.raises(MalformedRequest):
            matched_path(path)
        return
    forwarded, matched = matched_path(path)
    assert forwarded == expected
    assert matched == paths.matched(expected)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=9).map(lambda pieces: b"/" + b"".join(pieces)))
def test_what_was_forwarded_once_is_forwarded_the_same_again(path: bytes) -> None:
    try:
        forwarded, matched = matched_path(path)
    except MalformedRequest:
        return
    assert matched_path(forwarded) == (forwarded, matched)


def test_dot_segments_are_resolved_as_rfc_3986_shows() -> None:
    assert resolve_dot_segments(b"/a/b/c/./../../g") == b"/a/g"


HOSTS = [
    (b"a.example", b"a.example"), (b"A.Example", b"a.example"), (b"a.example.", b"a.example"), (b"a:80", b"a"),
    (b"a:", b"a"), (b"A.:8080", b"a"), (b"127.0.0.1:1", b"127.0.0.1"), (b"[::1]", b"[::1]"), (b"[FE80::A]:80",
    b"[fe80::a]"),
    (b"[::ffff:1.2.3.4]", b"[::ffff:1.2.3.4]"), (b"a_b-c~d!", b"a_b-c~d!"), (b"%61", b"%61"),
]  # fmt: skip


@pytest.mark.parametrize(("authority", "host"), HOSTS)
def test_hosts(authority: bytes, host: bytes) -> None:
    assert matched_host(authority) == host
    assert matched_host(authority) == host, "remembered"


BAD_HOSTS = [
    b"", b":80", b"a:b", b"a:80:80", b"a b", b"a/b", b"a?b", b"a#b", b"u@a", b"a\\b", b"a\x00", b"a\t", b"\xe4",
    b"[", b"[]",
    b"[::1", b"::1", b"[::1]x", b"[::1]:x", b"[::::]", b"[:]", b"[1.2.3.4]", b"[12345::]", b"[1:2:3:4:5:6:7:8:9]",
    b"[::1%25lo]",
    b"%", b"%4", b"%zz", b"a\"b", b"<a>", b"a|b", b"a^b", b"a`b", b"{a}", b"a\n", b"a\r\n",
]  # fmt: skip


@pytest.mark.parametrize("authority", BAD_HOSTS, ids=[repr(host)[2:-1] for host in BAD_HOSTS])
def test_bad_hosts(authority: bytes) -> None:
    with pytest.raises(MalformedRequest):
        matched_host(authority)


@settings(max_examples=500, deadline=None)
@given(st.text("aZ0.:[]%-_@/ 1fF,;v", max_size=12).map(str.encode))
def test_hosts_against_the_grammar(authority: bytes) -> None:
    try:
        matched_host(authority)
        taken = True
    except MalformedRequest:
        taken = False
    assert taken == HTTP.matches("Host", authority)


def test_hostile_hosts_cannot_fill_the_memory() -> None:
    for i in range(10_000):
        assert matched_host(b"h%d.example" % i) == b"h%d.example" % i
    from proxy.protocol import uri

    assert len(uri._hosts) <= uri._HOST_CACHE_SIZE
