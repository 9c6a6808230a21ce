"""A request in a user's words becomes what the gateway would receive."""

import pytest

from proxy.errors import MalformedRequest
from proxy.snapshot.question import Asked, BadQuestion, as_received, head


@pytest.mark.parametrize(
    ("url", "port", "host", "target"),
    [
        ("http://a.example.com/x?y=1", None, b"a.example.com", b"/x?y=1"),
        ("https://a.example.com:8443", 8443, b"a.example.com:8443", b"/"),
        ("a.example.com:81/x", 81, b"a.example.com:81", b"/x"),
        ("http://[::1]:8080/x", 8080, b"[::1]:8080", b"/x"),
        ("http://[::1]/x", None, b"[::1]", b"/x"),
        ("http://a?", None, b"a", b"/?"),
        ("http://a?q=://b", None, b"a", b"/?q=://b"),
        ("http://a#fragment", None, b"a", b"/"),
        ("http://a/b?c#d", None, b"a", b"/b?c"),
        ("http://a/caf\u00e9 x?q=\u00e9", None, b"a", b"/caf%C3%A9%20x?q=%C3%A9"),
        ("http://a/%7Eb", None, b"a", b"/%7Eb"),
    ],
)
def test_a_url_is_sent_as_a_client_would(url: str, port: int | None, host: bytes, target: bytes) -> None:
    asked = Asked("GET", url)
    assert asked.port == port
    assert head(asked) == b"GET " + target + b" HTTP/1.1\r\nhost: " + host + b"\r\n\r\n"


def test_a_host_header_takes_the_place_of_the_urls() -> None:
    asked = Asked("PUT", "http://a/", (("X-A", " 1 "), ("Host", "b"), ("host", "c")))
    assert head(asked) == b"PUT / HTTP/1.1\r\nhost: c\r\nX-A: 1\r\n\r\n"


@pytest.mark.parametrize("url", ["http://a:0/", "http://a:65536/", "http://a:x/", "http://[::1]:x/", "ws://a/"])
def test_a_url_that_names_no_place_is_refused(url: str) -> None:
    with pytest.raises(BadQuestion):
        _ = Asked("GET", url).port


def test_a_line_break_asks_for_no_second_field() -> None:
    with pytest.raises(BadQuestion):
        head(Asked("GET", "http://a/", (("x", "1\r\ny: 2"),)))


def test_routing_sees_what_the_gateway_puts_on_the_request() -> None:
    """A rule may ask for x-forwarded-proto; what a client claims there is not believed."""
    request = as_received(Asked("GET", "http://A.example.com:8080/%7Ea", (("X-Forwarded-Proto", "https"),)), 8080)
    assert (request.host, request.path, request.raw_path) == (b"a.example.com", b"/~a", b"/%7Ea")
    assert [value for name, value in request.headers if name == b"x-forwarded-proto"] == [b"http"]


def test_a_request_that_the_gateway_refuses_is_refused_here() -> None:
    with pytest.raises(MalformedRequest):
        as_received(Asked("GET", "http://a/%2e%2e/b"), 80)
