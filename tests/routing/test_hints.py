"""Hints: the mistakes that people make, one a row."""

import pytest

from proxy.routing.hints import host_hint, method_hint, path_hint, value_hint
from proxy.snapshot.route import RouteMatch, ValueMatch


@pytest.mark.parametrize(
    ("match", "path", "said"),
    [
        (RouteMatch(b"/Cart", "exact"), b"/cart", "paths are case-sensitive"),
        (RouteMatch(b"/Cart"), b"/cart/1", "paths are case-sensitive"),
        (RouteMatch(b"/cart", "exact"), b"/cart/", "they differ in the / at the end only"),
        (RouteMatch(b"/cart/", "exact"), b"/cart", "they differ in the / at the end only"),
        (RouteMatch(b"/cart", "exact"), b"/cart/1", "PathPrefix would take what is below it, too"),
        (RouteMatch(b"/cart"), b"/carts", "/cart takes /cart/… and no longer word"),
        (RouteMatch(b"/a b", "exact"), b"/a%20b", "write /a%20b"),
        (RouteMatch(b"/a/b", "exact"), b"/a%2Fb", "paths are compared as they are sent, /a%2Fb"),
        (RouteMatch(b"/v[0-9]", "regex"), b"/v1/x", "a pattern must match the whole path"),
        (RouteMatch(b"/V[0-9]", "regex"), b"/v1", "but for upper and lower case"),
        (RouteMatch(rb"\Q/a", "regex"), b"/b", ""),
        (RouteMatch(b"/cart"), b"/basket", ""),
        (RouteMatch(b"/cart", "exact"), b"/basket", ""),
    ],
)
def test_paths(match: RouteMatch, path: bytes, said: str) -> None:
    hint = path_hint(match, path)
    assert said in hint
    assert bool(said) is bool(hint)


@pytest.mark.parametrize(
    ("hostname", "host", "said"),
    [
        (b"*.example.com", b"example.com", "does not take example.com itself"),
        (b"example.com", b"a.example.com", "*.example.com would"),
        (b"www.example.com", b"example.com", "they differ in www. only"),
        (b"shop.example.com", b"shop.exmaple.com", "did you mean shop.example.com?"),
        (b"shop.example.com", b"other.example.org", ""),
    ],
)
def test_hosts(hostname: bytes, host: bytes, said: str) -> None:
    assert said in host_hint(hostname, host)
    assert bool(said) is bool(host_hint(hostname, host))


@pytest.mark.parametrize(
    ("expected", "method", "said"),
    [
        (b"GET", b"HEAD", "a match for GET takes no HEAD"),
        (b"PUT", b"OPTIONS", "a preflight comes with OPTIONS"),
        (b"GET", b"get", "methods are upper case"),
        (b"GET", b"POST", ""),
    ],
)
def test_methods(expected: bytes, method: bytes, said: str) -> None:
    assert said in method_hint(expected, method)
    assert bool(said) is bool(method_hint(expected, method))


@pytest.mark.parametrize(
    ("asked", "value", "names", "said"),
    [
        (ValueMatch(b"page", b"1"), None, [b"Page"], "there is Page: names of query parameters are case-sensitive"),
        (ValueMatch(b"x-tenant", b"a"), None, [b"x-tenat", b"accept"], "there is x-tenat"),
        (ValueMatch(b"x-tenant", b"a"), None, [b"accept"], ""),
        (ValueMatch(b"x-tenant", b"Blue"), b"blue", [], "values are case-sensitive"),
        (ValueMatch(b"x-tenant", b"blue"), b"blue ", [], "they differ in blanks only"),
        (ValueMatch(b"x-tenant", b"blue"), b"red", [], ""),
        (ValueMatch(b"page", b"[0-9]", regex=True), b"1a", [], "a pattern must match the whole value"),
    ],
)
def test_values(asked: ValueMatch, value: bytes | None, names: list[bytes], said: str) -> None:
    assert said in value_hint(asked, value, names)
    assert bool(said) is bool(value_hint(asked, value, names))
