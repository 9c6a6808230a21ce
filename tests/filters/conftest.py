"""A request and a context that filters can be tried on."""

from collections.abc import Callable

import pytest

from proxy.filters.base import FilterContext
from proxy.protocol.message import Request
from proxy.protocol.uri import matched_path

MakeRequest = Callable[..., Request]


@pytest.fixture
def context() -> FilterContext:
    return FilterContext("http", 8080, "192.0.2.1")


@pytest.fixture
def request_for() -> MakeRequest:
    def make(target: bytes = b"/", *headers: tuple[bytes, bytes]) -> Request:
        """A request as the codec would leave it: `request_for(b"/a?b", (b"x-a", b"1"))`."""
        request = Request()
        request.method = b"GET"
        path, mark, query = target.partition(b"?")
        request.raw_path, request.path = matched_path(path)
        request.query = query if mark else None
        request.host = b"www.example.com"
        request.headers = [(b"host", b"www.example.com:8080"), *headers]
        return request

    return make
