"""A header section that came before is not read again; a request is taken or refused as if it were."""

import pytest

from proxy.errors import ProxyError
from proxy.protocol.http1.request_head import Repeated, parse_request
from proxy.protocol.limits import Limits

FIELDS = b"\r\nHost: a\r\nX: y\r\n\r\n"
LIMITS = Limits()


def read(line: bytes, repeated: Repeated | None) -> object:
    try:
        request = parse_request(line + FIELDS, LIMITS, repeated)
    except ProxyError as error:
        return type(error), error.status, error.reason
    names = ("method", "raw_path", "path", "query", "host", "version", "keep_alive", "headers", "content_length")
    return {name: getattr(request, name) for name in names}


@pytest.mark.parametrize(
    "line",
    [
        b"GET /a?b HTTP/1.1",
        b"POST / HTTP/1.1",
        b"GET / HTTP/1.0",
        b"GET / HTTP/1.2",
        b"OPTIONS * HTTP/1.1",
        b"GET http://b/ HTTP/1.1",
        b"CONNECT / HTTP/1.1",
        b"CONNECT /x?y HTTP/1.1",
        b"CONNECT a:80 HTTP/1.1",
        b"NONSENSE / HTTP/1.1",
        b"GET /%2e%2e/a HTTP/1.1",
        b"GET /a#b HTTP/1.1",
        b"GET /\x7f HTTP/1.1",
        b"GET /\x80 HTTP/1.1",
        b"GET /a\tb HTTP/1.1",
        b"GET /a\nb HTTP/1.1",
        b"\nGET / HTTP/1.1",
    ],
)
def test_the_line_is_judged_as_if_its_fields_were_new(line: bytes) -> None:
    repeated = Repeated()
    parse_request(b"GET /before HTTP/1.1" + FIELDS, LIMITS, repeated)
    assert repeated.section == FIELDS
    assert read(line, repeated) == read(line, None)
