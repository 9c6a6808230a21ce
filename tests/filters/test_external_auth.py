"""ExternalAuth by itself: what is asked, what is made of each answer, and what of none."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from proxy.errors import (
    AuthDenied,
    AuthFailed,
    AuthNotUnderstood,
    AuthTimeout,
    AuthUnavailable,
    ConnectFailed,
    ConnectTimeout,
    MalformedResponse,
    NoReadyEndpoint,
    NoValidBackend,
    Overloaded,
    ProxyError,
    UpstreamClosed,
    UpstreamTimeout,
    UpstreamTLSFailed,
)
from proxy.filters.base import Answer, FilterContext, WholeBody
from proxy.filters.external_auth import METRIC, build
from proxy.protocol.message import Headers, Reply, Request
from proxy.snapshot.route import ExternalAuth
from tests.filters.conftest import MakeRequest


class Server:
    """An authorization server that is a function; keeps what it was asked and what was counted."""

    def __init__(self, answer: Answer | ProxyError) -> None:
        self._answer = answer
        self.asked: list[tuple[str, Request, bytes]] = []
        self.counted: list[tuple[str, tuple[str, ...]]] = []

    async def ask(self, upstream: str, request: Request, body: bytes, enough: int) -> Answer:
        assert enough == 200
        self.asked.append((upstream, request, body))
        if isinstance(self._answer, ProxyError):
            raise self._answer
        return self._answer

    def count(self, metric: str, labels: tuple[str, ...]) -> None:
        self.counted.append((metric, labels))


def yes(*headers: tuple[bytes, bytes]) -> Answer:
    return Answer(200, list(headers), b"")


def run(server: Server, request: Request, body: bytes = b"", **settings: Any) -> Reply | None:
    """The outcome of the filter's last step."""
    context = FilterContext("http", 80, "192.0.2.1", server)
    context.body = body
    outcome = build(ExternalAuth("ns/auth:80", "key", **settings)).on_request[-1](request, context)
    assert isinstance(outcome, Awaitable)

    async def result() -> Reply | None:
        return await outcome

    return asyncio.run(result())


PATHS = [
    # (prefix, target, what is asked)
    (b"", b"/a%20b/%2f", b"/a%20b/%2f"),
    (b"/check", b"/", b"/check/"),
    (b"/check", b"/a//b", b"/check/a//b"),
    (b"/v1/a b?x", b"/c", b"/v1/a%20b%3Fx/c"),
]


@pytest.mark.parametrize(("prefix", "target", "path"), PATHS)
def test_the_path_goes_behind_the_prefix_as_the_client_wrote_it(
    prefix: bytes, target: bytes, path: bytes, request_for: MakeRequest
) -> None:
    server = Server(yes())
    request = request_for(target + b"?q=%41")
    assert run(server, request, prefix=prefix) is None
    [(upstream, question, body)] = server.asked
    assert (upstream, question.raw_path, question.query, body) == ("key", path, b"q=%41", b"")
    assert request.raw_path == target


@pytest.mark.parametrize(("prefix", "path"), [(b"", b"*"), (b"/check", b"/check")])
def test_a_question_about_the_whole_server(prefix: bytes, path: bytes, request_for: MakeRequest) -> None:
    server, request = Server(yes()), request_for()
    request.method, request.raw_path, request.path = b"OPTIONS", b"*", b"*"
    run(server, request, prefix=prefix)
    assert (server.asked[0][1].method, server.asked[0][1].raw_path) == (b"OPTIONS", path)


def test_what_is_told_and_what_is_not(request_for: MakeRequest) -> None:
    server = Server(yes())
    request = request_for(b"/", (b"authorization", b"a"), (b"cookie", b"c"), (b"x-a", b"1"), (b"x-a", b"2"))
    request.headers += [(b"content-length", b"5"), (b"via", b"1.1 us")]
    request.method, request.content_length, request.expect_continue, request.upgrade = b"POST", 5, True, b"websocket"
    run(server, request, body=b"hello", sent=(b"x-a", b"content-length", b"transfer-encoding"))
    question = server.asked[0][1]
    assert question.headers == [
        (b"host", b"www.example.com:8080"),
        (b"authorization", b"a"),
        (b"x-a", b"1"),
        (b"x-a", b"2"),
        (b"via", b"1.1 us"),
        (b"content-length", b"0"),
    ]
    assert (question.method, question.content_length, question.upgrade) == (b"POST", 0, b"")
    assert not question.expect_continue and server.asked[0][2] == b""
    assert (request.content_length, request.upgrade, request.expect_continue) == (5, b"websocket", True)


def test_a_body_that_is_wanted_is_declared_and_told_with_its_length(request_for: MakeRequest) -> None:
    [declared, _] = build(ExternalAuth("a", "key", body_at_most=9)).on_request
    wanted = declared(request_for(), FilterContext("http", 80, ""))
    assert isinstance(wanted, WholeBody) and wanted.at_most == 9
    server, request = Server(yes()), request_for()
    request.content_length = -1
    run(server, request, body=b"hello", body_at_most=9)
    _, question, body = server.asked[0]
    assert (body, question.content_length, question.headers[-1]) == (b"hello", 5, (b"content-length", b"5"))


def test_without_a_body_to_show_none_is_declared() -> None:
    assert len(build(ExternalAuth("a", "key")).on_request) == 1


COPIED: list[tuple[tuple[bytes, ...], Headers, Headers, Headers]] = [
    # (named, what the client sent, what the server answered, what the backend gets)
    ((b"x-user",), [(b"x-user", b"root")], [(b"x-user", b"ada")], [(b"x-user", b"ada")]),
    ((b"x-user",), [(b"x-user", b"root"), (b"x-user", b"toor")], [], []),
    ((b"x-user",), [(b"x_user", b"root"), (b"x-other", b"1")], [], [(b"x-other", b"1")]),
    ((b"x-user",), [], [(b"x-secret", b"1")], []),
    ((b"authorization",), [(b"authorization", b"a")], [(b"authorization", b"b")], [(b"authorization", b"b")]),
    ((b"content-length",), [(b"content-length", b"5")], [(b"content-length", b"0")], [(b"content-length", b"5")]),
    ((b"content-type",), [(b"content-type", b"a/b")], [(b"content-type", b"c/d")], [(b"content-type", b"c/d")]),
    ((), [(b"x-user", b"root")], [(b"x-user", b"ada"), (b"x-role", b"a")], [(b"x-user", b"ada"), (b"x-role", b"a")]),
    ((), [(b"x-user", b"root")], [], [(b"x-user", b"root")]),
    (
        (),
        [(b"content-type", b"a/b")],
        [(b"content-type", b"c/d"), (b"content-length", b"9")],
        [(b"content-type", b"a/b")],
    ),
    ((), [(b"via", b"1.1 us")], [(b"via", b"1.1 it")], [(b"via", b"1.1 us")]),
    ((), [(b"x-real-ip", b"1")], [(b"x-real-ip", b"2"), (b"forwarded", b"for=3")], [(b"x-real-ip", b"1")]),
    ((), [], [(b"host", b"evil"), (b"ho-st", b"x"), (b"set-cookie", b"a")], [(b"ho-st", b"x"), (b"set-cookie", b"a")]),
]


@pytest.mark.parametrize(("named", "sent", "answered", "got"), COPIED)
def test_what_the_backend_gets(
    named: tuple[bytes, ...], sent: Headers, answered: Headers, got: Headers, request_for: MakeRequest
) -> None:
    request = request_for(b"/", *sent)
    before = request.headers
    assert run(Server(yes(*answered)), request, copied=named) is None
    assert request.headers == [(b"host", b"www.example.com:8080"), *got]
    assert before == [(b"host", b"www.example.com:8080"), *sent], "a retry starts from the old ones"


@pytest.mark.parametrize(
    ("status", "error", "result"),
    [
        (302, AuthDenied, "denied"),
        (401, AuthDenied, "denied"),
        (403, AuthDenied, "denied"),
        (503, AuthUnavailable, "failed"),
    ],
)
def test_what_is_not_200_is_the_answer(
    status: int, error: type[ProxyError], result: str, request_for: MakeRequest
) -> None:
    answer = Answer(status, [(b"location", b"/login"), (b"content-length", b"9"), (b"x-request-id", b"1")], b"body")
    server, request = Server(answer), request_for()
    reply = run(server, request)
    assert reply is not None
    assert (reply.status, reply.headers, reply.body) == (status, [(b"location", b"/login")], b"body")
    assert isinstance(reply.error, error)
    assert server.counted == [(METRIC, ("ns/auth:80", result))]


@pytest.mark.parametrize("status", [201, 204, 299, 304])
def test_a_refusal_that_looks_like_a_success_is_403(status: int, request_for: MakeRequest) -> None:
    server = Server(Answer(status, [], b""))
    with pytest.raises(AuthDenied) as denied:
        run(server, request_for())
    assert (denied.value.status, denied.value.reason) == (403, f"auth_answered_{status}")
    assert server.counted == [(METRIC, ("ns/auth:80", "denied"))]


FAILURES: list[tuple[ProxyError, type[ProxyError], str]] = [
    (ConnectFailed("refused"), AuthUnavailable, "failed"),
    (NoReadyEndpoint("none"), AuthUnavailable, "failed"),
    (Overloaded("full"), AuthUnavailable, "failed"),
    (UpstreamClosed("closed"), AuthUnavailable, "failed"),
    (UpstreamTLSFailed("untrusted"), AuthNotUnderstood, "failed"),
    (MalformedResponse("odd"), AuthNotUnderstood, "failed"),
    (ConnectTimeout("slow"), AuthTimeout, "failed"),
    (UpstreamTimeout("slow"), AuthTimeout, "timeout"),
    (NoValidBackend("tls"), AuthFailed, "failed"),
]


@pytest.mark.parametrize(("cause", "error", "result"), FAILURES)
def test_without_an_answer_nobody_passes(
    cause: ProxyError, error: type[ProxyError], result: str, request_for: MakeRequest
) -> None:
    server = Server(cause)
    with pytest.raises(AuthFailed) as failed:
        run(server, request_for())
    assert type(failed.value) is error
    assert (failed.value.status, failed.value.flag, failed.value.reason) == (cause.status, "AF", f"auth_{cause.reason}")
    assert server.counted == [(METRIC, ("ns/auth:80", result))]


async def test_a_question_that_is_given_up_is_counted(request_for: MakeRequest) -> None:
    class Silent(Server):
        async def ask(self, upstream: str, request: Request, body: bytes, enough: int) -> Answer:
            await asyncio.Event().wait()
            raise AssertionError

    server = Silent(yes())
    [step] = build(ExternalAuth("ns/auth:80", "key")).on_request
    outcome = step(request_for(), FilterContext("http", 80, "", server))
    assert isinstance(outcome, Awaitable)
    task = asyncio.ensure_future(outcome)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.counted == [(METRIC, ("ns/auth:80", "aborted"))]
