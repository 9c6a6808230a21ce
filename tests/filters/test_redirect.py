"""RequestRedirect: which Location the client gets."""

import pytest

from proxy.filters import build_chain
from proxy.filters.base import FilterContext
from proxy.protocol.message import Reply, Request
from proxy.snapshot.route import PathModifier, Redirect
from tests.filters.conftest import MakeRequest


def redirected(spec: Redirect, request: Request, context: FilterContext) -> Reply:
    (step,) = build_chain((spec,)).on_request
    reply = step(request, context)
    assert isinstance(reply, Reply)
    return reply


def location(spec: Redirect, request: Request, scheme: str, port: int) -> bytes:
    return dict(redirected(spec, request, FilterContext(scheme, port, "")).headers)[b"location"]


@pytest.mark.parametrize(
    ("spec", "scheme", "port", "expected"),
    [
        (Redirect(), "http", 80, b"http://www.example.com/a/b?q=1"),
        (Redirect(), "http", 8080, b"http://www.example.com:8080/a/b?q=1"),
        (Redirect(), "https", 443, b"https://www.example.com/a/b?q=1"),
        (Redirect(), "http", 443, b"http://www.example.com:443/a/b?q=1"),
        (Redirect(hostname="example.org"), "http", 80, b"http://example.org/a/b?q=1"),
        (Redirect(hostname="example.org"), "http", 8080, b"http://example.org:8080/a/b?q=1"),
        (Redirect(scheme="https"), "http", 80, b"https://www.example.com/a/b?q=1"),
        (Redirect(scheme="https"), "http", 8080, b"https://www.example.com/a/b?q=1"),
        (Redirect(scheme="http"), "https", 8443, b"http://www.example.com/a/b?q=1"),
        (Redirect(scheme="other"), "http", 8080, b"other://www.example.com:8080/a/b?q=1"),
        (Redirect(port=8083), "http", 80, b"http://www.example.com:8083/a/b?q=1"),
        (Redirect(port=80), "http", 8080, b"http://www.example.com/a/b?q=1"),
        (Redirect(port=443), "http", 8080, b"http://www.example.com:443/a/b?q=1"),
        (Redirect(scheme="https", port=443), "http", 80, b"https://www.example.com/a/b?q=1"),
        (Redirect(scheme="https", port=80), "http", 80, b"https://www.example.com:80/a/b?q=1"),
        (Redirect(scheme="https", port=8443), "http", 80, b"https://www.example.com:8443/a/b?q=1"),
        (Redirect(path=PathModifier("full", b"/z")), "http", 80, b"http://www.example.com/z?q=1"),
        (Redirect(path=PathModifier("prefix", b"/z", b"/a")), "http", 80, b"http://www.example.com/z/b?q=1"),
        (Redirect(path=PathModifier("prefix", b"/", b"/a")), "http", 80, b"http://www.example.com/b?q=1"),
    ],
)
def test_what_the_filter_does_not_name_stays(
    spec: Redirect, scheme: str, port: int, expected: bytes, request_for: MakeRequest
) -> None:
    assert location(spec, request_for(b"/a/b?q=1"), scheme, port) == expected


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_status_is_the_one_asked_for(status: int, request_for: MakeRequest, context: FilterContext) -> None:
    assert redirected(Redirect(status), request_for(b"/"), context).status == status


def test_the_default_status_is_302_with_a_short_text(request_for: MakeRequest, context: FilterContext) -> None:
    reply = redirected(Redirect(), request_for(b"/"), context)
    assert (reply.status, reply.body) == (302, b"Found\n")
    assert (b"content-type", b"text/plain") in reply.headers


def test_the_path_keeps_the_clients_encoding_and_an_empty_query_its_mark(request_for: MakeRequest) -> None:
    assert location(Redirect(), request_for(b"/%7Ea%2Fb?"), "http", 80) == b"http://www.example.com/%7Ea%2Fb?"


@pytest.mark.parametrize("host", [b"[::1]", b"::1"])
def test_an_ipv6_host_stands_in_brackets(host: bytes, request_for: MakeRequest) -> None:
    request = request_for(b"/")
    request.host = host
    assert location(Redirect(), request, "http", 8080) == b"http://[::1]:8080/"


@pytest.mark.parametrize(("target", "expected"), [(b"/a?b", b"/a?b"), (b"//evil.example", b"/evil.example")])
def test_without_a_host_the_location_is_relative_and_stays_here(
    target: bytes, expected: bytes, request_for: MakeRequest
) -> None:
    request = request_for(target)
    request.host = b""
    assert location(Redirect(), request, "http", 80) == expected
