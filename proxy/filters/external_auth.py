"""ExternalAuth over HTTP: another server is asked about each request, and only its 200 lets one pass.

It is told method, path and query, Host, Authorization, the fields that the filter names, and the body if that is
wanted (HTTPAuthConfig). Of its 200 the backend gets fields in the place of the client's own. Anything else it answers
is the client's answer. Without an answer nobody is let in (fail closed), and not one octet reaches the backend.

What no answer can do: change how the client's request is framed or what holds for a connection only (RFC 9110 section
7.6.1), whom it is for (Host), or that it has been here (Via); and, unless it is named, what gateway and client say of
the way here and of the content.
"""

from collections.abc import Awaitable
from typing import NoReturn

from proxy.errors import (
    AuthDenied,
    AuthFailed,
    AuthNotUnderstood,
    AuthTimeout,
    AuthUnavailable,
    ProxyError,
    UpstreamTimeout,
)
from proxy.filters.base import Answer, FilterChain, FilterContext, RequestStep, WholeBody
from proxy.filters.path import safe_path
from proxy.protocol.message import Headers, Reply, Request
from proxy.protocol.names import FRAMING, HOPS, letters
from proxy.snapshot.route import ExternalAuth

ALLOWED = 200
"""And no other (HTTPExternalAuthFilter.protocol: "any other code is considered an authorization failure")."""
METRIC = "penstock_external_auth_requests_total"

_ALWAYS_SENT = frozenset({b"authorization", b"host", b"via"})
"""Via, so that a server behind this very gateway is noticed (RFC 9110 section 7.6.3)."""
_NEVER_COPIED = FRAMING | {b"host", b"trailer", b"via"}
_THE_WAY = HOPS | {b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto"}
_NOT_A_REFUSAL = frozenset({*range(200, 300), 304})
"""To a client these would look as if it had been served."""
_FAILURES = {500: AuthFailed, 502: AuthNotUnderstood, 504: AuthTimeout}


def build(spec: ExternalAuth) -> FilterChain:
    steps: list[RequestStep] = []
    if spec.body_at_most:
        steps.append(WholeBody(spec.body_at_most).on_request)
    return FilterChain(on_request=(*steps, Asking(spec).on_request))


class Asking:
    """One filter."""

    __slots__ = ("_copied", "_looks_copied", "_prefix", "_sent", "_spec")

    def __init__(self, spec: ExternalAuth) -> None:
        self._spec = spec
        self._prefix = safe_path(spec.prefix)
        self._sent = (_ALWAYS_SENT | set(spec.sent)) - FRAMING
        self._copied = frozenset(spec.copied) - _NEVER_COPIED
        self._looks_copied = frozenset(map(letters, self._copied))

    def on_request(self, request: Request, context: FilterContext) -> Awaitable[Reply | None]:
        return self._authorize(request, context)

    async def _authorize(self, request: Request, context: FilterContext) -> Reply | None:
        assert context.outside is not None
        spec, result = self._spec, "aborted"
        try:
            body = context.body if spec.body_at_most else b""
            answer = await context.outside.ask(spec.upstream, self._question(request, body), body, ALLOWED)
            result = _result(answer.status)
        except ProxyError as error:
            result = "timeout" if isinstance(error, UpstreamTimeout) else "failed"
            _fail(error)
        finally:
            context.outside.count(METRIC, (spec.backend, result))
        if answer.status != ALLOWED:
            return _refusal(answer)
        request.headers, looks = self._changed(request.headers, answer.headers)
        context.vouched |= looks
        return None

    def _question(self, request: Request, body: bytes) -> Request:
        """What the server is asked. Nothing of the client's connection: no upgrade, no `Expect`, framing of our own."""
        question = Request()
        question.method = request.method
        question.raw_path = question.path = self._path(request.raw_path)
        question.query = request.query
        question.host = request.host
        question.headers = [field for field in request.headers if field[0] in self._sent]
        question.headers.append((b"content-length", b"%d" % len(body)))
        question.content_length = len(body)
        return question

    def _path(self, raw_path: bytes) -> bytes:
        """`OPTIONS *` has no path that something could stand before."""
        return self._prefix + raw_path if raw_path[:1] == b"/" else self._prefix or raw_path

    def _changed(self, headers: Headers, answered: Headers) -> tuple[Headers, frozenset[bytes]]:
        """The client's fields without those that the server has a word on, then its own; and which it has a word on.

        A field that is named and that the server did not send is taken away: the client could have forged it. So is
        one that a lax backend takes for it (X_User for X-User).
        """
        if self._copied:
            given = [field for field in answered if field[0] in self._copied]
            looks = self._looks_copied
        else:
            given = [field for field in answered if _is_copied(field[0])]
            looks = frozenset(letters(name) for name, _ in given)
        kept = [field for field in headers if field[0] in _NEVER_COPIED or letters(field[0]) not in looks]
        return kept + given, looks


def _is_copied(name: bytes) -> bool:
    """Where none are named: what tells of the client, not of the answer's own content, or of the way here."""
    return not (name in _NEVER_COPIED or name in _THE_WAY or name.startswith(b"content-"))


def _result(status: int) -> str:
    if status == ALLOWED:
        return "allowed"
    return "denied" if status < 500 else "failed"


def _refusal(answer: Answer) -> Reply:
    """The server's answer is the client's. Its length is written anew, and the request keeps its own id."""
    if answer.status in _NOT_A_REFUSAL:
        raise AuthDenied(f"auth_answered_{answer.status}", "the authorization server did not allow this request")
    failed = answer.status >= 500
    error = AuthUnavailable("auth_server_error") if failed else AuthDenied("auth_denied")
    headers = [field for field in answer.headers if field[0] not in (b"content-length", b"x-request-id")]
    return Reply(answer.status, headers, answer.body, error)


def _fail(error: ProxyError) -> NoReturn:
    raise _FAILURES.get(error.status, AuthUnavailable)(f"auth_{error.reason}", error.detail) from None
