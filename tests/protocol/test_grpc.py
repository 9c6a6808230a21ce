"""gRPC over HTTP/2, as far as a gateway has to know it."""

import pytest

from proxy.protocol.grpc import STATUSES, as_status, is_call, timeout_of
from proxy.protocol.message import Reply, Request


def request(content_type: bytes, version: int = 20) -> Request:
    made = Request()
    made.version = version
    made.headers = [(b"te", b"trailers"), (b"content-type", content_type)]
    return made


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (b"application/grpc", True),
        (b"application/grpc+proto", True),
        (b"application/grpc; charset=utf-8", True),
        (b"Application/GRPC+json", True),
        (b"application/grpc-web", False),
        (b"application/grpcx", False),
        (b"application/json", False),
        (b"", False),
    ],
)
def test_what_is_a_call(content_type: bytes, expected: bool) -> None:
    assert is_call(request(content_type)) is expected
    assert not is_call(request(content_type, version=11))


def test_a_request_without_a_type_is_no_call() -> None:
    made = Request()
    made.version = 20
    assert not is_call(made)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"1H", 3600.0),
        (b"2M", 120.0),
        (b"3S", 3.0),
        (b"250m", 0.25),
        (b"500u", 0.0005),
        (b"99999999n", 0.099999999),
        (b"0S", 0.0),
        (b"123456789S", None),
        (b"1", None),
        (b"S", None),
        (b"-1S", None),
        (b"1s", None),
        (b"1.5S", None),
        (b"", None),
    ],
)
def test_the_time_of_a_call(value: bytes, seconds: float | None) -> None:
    found = timeout_of([(b"grpc-timeout", value)])
    assert found == (None if seconds is None else pytest.approx(seconds))


def test_a_call_without_a_time_has_no_limit() -> None:
    assert timeout_of([(b"te", b"trailers")]) is None


def test_an_answer_as_a_status() -> None:
    fields = [(b"content-type", b"text/plain"), (b"retry-after", b"1"), (b"www-authenticate", b"Bearer")]
    reply = as_status(Reply(401, fields, "100% é\n".encode()), 16)
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers == [
        (b"content-type", b"application/grpc"),
        (b"grpc-status", b"16"),
        (b"grpc-message", b"100%25 %C3%A9"),
        *fields[1:],
    ]


def test_an_answer_without_words_has_no_message() -> None:
    assert as_status(Reply(503), 14).headers == [(b"content-type", b"application/grpc"), (b"grpc-status", b"14")]


def test_every_failure_has_a_status() -> None:
    from proxy.errors import ProxyError

    def leaves(kind: type[ProxyError]) -> set[int]:
        return {kind.status}.union(*map(leaves, kind.__subclasses__()))

    assert leaves(ProxyError) - {499, 505} <= STATUSES.keys()  # a client that is gone, and one of another HTTP
