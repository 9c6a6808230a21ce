"""CORS: who may read what, as a table of requests and the fields that they get."""

from collections.abc import Callable

import pytest

from proxy.filters import build_chain
from proxy.filters.base import FilterContext
from proxy.filters.cors import Origins, normal
from proxy.protocol.message import Headers, Reply, Response
from proxy.snapshot.route import Cors
from tests.filters.conftest import MakeRequest

ORIGIN = b"https://www.foo.com"
SOME = Cors(
    origins=(ORIGIN, b"https://*.bar.com"),
    methods=(b"GET", b"OPTIONS"),
    headers=(b"x-header-1", b"x-header-2"),
    expose=(b"x-header-3", b"x-header-4"),
    credentials=True,
    max_age=3600,
)
ALL = Cors(origins=(b"*",), methods=(b"*",), headers=(b"*",), expose=(b"*",))
ALL_WITH_CREDENTIALS = Cors((b"*",), (b"*",), (b"*",), (b"*",), credentials=True)
LEAST = Cors(origins=(ORIGIN,))


class Exchange:
    """A request through the filter, and a response after it."""

    def __init__(
        self, spec: Cors, make: MakeRequest, context: FilterContext, method: bytes, *fields: tuple[bytes, bytes]
    ):
        self._chain = build_chain((spec,))
        self._context = context
        request = make(b"/", *fields)
        request.method = method
        (step,) = self._chain.on_request
        self.reply = step(request, context)

    def preflight(self) -> dict[bytes, bytes]:
        assert isinstance(self.reply, Reply)
        assert (self.reply.status, self.reply.body) == (204, b"")
        return once(self.reply.headers)

    def response(self, *fields: tuple[bytes, bytes]) -> dict[bytes, bytes]:
        assert self.reply is None
        response = Response(200, list(fields))
        for step in self._chain.on_response:
            step(response, self._context)
        return once(response.headers)


def once(headers: Headers) -> dict[bytes, bytes]:
    assert len({name for name, _ in headers}) == len(headers), headers
    return dict(headers)


Ask = Callable[..., Exchange]


@pytest.fixture
def ask(request_for: MakeRequest, context: FilterContext) -> Ask:
    def ask(spec: Cors, method: bytes, origin: bytes | None, *fields: tuple[bytes, bytes]) -> Exchange:
        origins = () if origin is None else ((b"origin", origin),)
        return Exchange(spec, request_for, context, method, *origins, *fields)

    return ask


METHOD = (b"access-control-request-method", b"PUT")
NAMES = (b"access-control-request-headers", b"x-a, Authorization")

PREFLIGHTS = [
    (
        "all that is listed",
        SOME, ORIGIN, (METHOD, NAMES),
        {
            b"vary": b"origin",
            b"access-control-allow-origin": ORIGIN,
            b"access-control-allow-credentials": b"true",
            b"access-control-allow-methods": b"GET, OPTIONS",
            b"access-control-allow-headers": b"x-header-1, x-header-2",
            b"access-control-expose-headers": b"x-header-3, x-header-4",
            b"access-control-max-age": b"3600",
        },
    ),
    ("an origin that is not allowed", SOME, b"https://foobar.com", (METHOD, NAMES), {b"vary": b"origin"}),
    (
        "nothing but an origin",
        LEAST, ORIGIN, (METHOD, NAMES),
        {b"vary": b"origin", b"access-control-allow-origin": ORIGIN, b"access-control-max-age": b"5"},
    ),
    (
        "wildcards",
        ALL, b"https://any.example:1234", (METHOD, NAMES),
        {
            b"access-control-allow-origin": b"*",
            b"access-control-allow-methods": b"PUT",
            b"access-control-allow-headers": b"x-a, Authorization",
            b"access-control-expose-headers": b"*",
            b"access-control-max-age": b"5",
        },
    ),
    (
        "wildcards with credentials: no * in any field",
        ALL_WITH_CREDENTIALS, b"https://any.example", (METHOD, NAMES),
        {
            b"vary": b"origin",
            b"access-control-allow-origin": b"https://any.example",
            b"access-control-allow-credentials": b"true",
            b"access-control-allow-methods": b"PUT",
            b"access-control-allow-headers": b"x-a, Authorization",
            b"access-control-max-age": b"5",
        },
    ),
    (
        "wildcards, and no headers asked for",
        ALL_WITH_CREDENTIALS, b"https://any.example", (METHOD,),
        {
            b"vary": b"origin",
            b"access-control-allow-origin": b"https://any.example",
            b"access-control-allow-credentials": b"true",
            b"access-control-allow-methods": b"PUT",
            b"access-control-max-age": b"5",
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "origin", "fields", "expected"), [row[1:] for row in PREFLIGHTS], ids=[r[0] for r in PREFLIGHTS]
)
def test_a_preflight_is_answered(
    ask: Ask, spec: Cors, origin: bytes, fields: Headers, expected: dict[bytes, bytes]
) -> None:
    assert ask(spec, b"OPTIONS", origin, *fields).preflight() == expected


@pytest.mark.parametrize(
    ("method", "origin", "fields"),
    [
        (b"OPTIONS", ORIGIN, ()),
        (b"OPTIONS", None, (METHOD,)),
        (b"GET", ORIGIN, (METHOD, NAMES)),
        (b"OPTIONS", ORIGIN, (METHOD, METHOD)),
    ],
)
def test_whatever_is_no_preflight_goes_to_the_backend(
    ask: Ask, method: bytes, origin: bytes | None, fields: Headers
) -> None:
    assert ask(SOME, method, origin, *fields).reply is None


RESPONSES = [
    (
        "allowed, with credentials",
        SOME, ORIGIN,
        {
            b"vary": b"origin",
            b"access-control-allow-origin": ORIGIN,
            b"access-control-allow-credentials": b"true",
            b"access-control-expose-headers": b"x-header-3, x-header-4",
        },
    ),
    ("not allowed", SOME, b"https://foobar.com", {b"vary": b"origin"}),
    ("no origin", SOME, None, {b"vary": b"origin"}),
    ("allowed", LEAST, ORIGIN, {b"vary": b"origin", b"access-control-allow-origin": ORIGIN}),
    ("all", ALL, ORIGIN, {b"access-control-allow-origin": b"*", b"access-control-expose-headers": b"*"}),
    ("all, whoever asks", ALL, None, {b"access-control-allow-origin": b"*", b"access-control-expose-headers": b"*"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "origin", "expected"), [row[1:] for row in RESPONSES], ids=[row[0] for row in RESPONSES]
)
def test_a_response_says_who_may_read_it(
    ask: Ask, spec: Cors, origin: bytes | None, expected: dict[bytes, bytes]
) -> None:
    assert ask(spec, b"PUT", origin).response() == expected


def test_what_the_backend_says_of_cors_is_replaced(ask: Ask) -> None:
    theirs = (
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-methods", b"TRACE"),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-max-age", b"9"),
        (b"access-control-expose-headers", b"x-secret"),
        (b"x-kept", b"1"),
    )
    assert ask(LEAST, b"GET", b"https://evil.example").response(*theirs) == {b"x-kept": b"1", b"vary": b"origin"}
    assert ask(LEAST, b"GET", ORIGIN).response(*theirs) == {
        b"x-kept": b"1",
        b"vary": b"origin",
        b"access-control-allow-origin": ORIGIN,
    }


@pytest.mark.parametrize(
    ("vary", "added"),
    [
        ((), True),
        ((b"accept",), True),
        ((b"accept, Origin",), False),
        ((b"*",), False),
        ((b"accept", b"origin"), False),
    ],
)
def test_vary_names_the_origin_once(ask: Ask, vary: tuple[bytes, ...], added: bool) -> None:
    response = Response(200, [(b"vary", value) for value in vary])
    exchange = ask(LEAST, b"GET", ORIGIN)
    for step in exchange._chain.on_response:
        step(response, exchange._context)
    assert [value for name, value in response.headers if name == b"vary"] == [*vary, *([b"origin"] if added else [])]


def test_with_credentials_all_fields_are_exposed_by_name(ask: Ask) -> None:
    fields = ((b"x-one", b"1"), (b"set-cookie", b"a"), (b"etag", b"e"))
    got = ask(ALL_WITH_CREDENTIALS, b"GET", ORIGIN).response(*fields)
    assert got[b"access-control-expose-headers"] == b"x-one, etag, vary"


# --- origins ----------------------------------------------------------------------------------

ALLOWED = [
    # (declared, asked, allowed)
    (b"*", b"null", True),
    (b"https://a.example", b"https://a.example", True),
    (b"https://a.example", b"https://A.EXAMPLE", True),
    (b"https://a.example", b"https://a.example:443", True),
    (b"https://a.example", b"https://a.example:8443", False),
    (b"https://a.example", b"http://a.example", False),
    (b"https://a.example", b"https://a.example.evil", False),
    (b"https://a.example", b"https://b.a.example", False),
    (b"https://a.example", b"null", False),
    (b"http://a.example:8080", b"http://a.example:8080", True),
    (b"http://a.example:8080", b"http://a.example", False),
    (b"http://a.example", b"http://a.example:80", True),
    (b"http://a.example", b"http://a.example:443", False),
    (b"https://*.a.example", b"https://b.a.example", True),
    (b"https://*.a.example", b"https://c.b.a.example", True),
    (b"https://*.a.example", b"https://a.example", False),
    (b"https://*.a.example", b"https://.a.example", False),
    (b"https://*.a.example", b"https://ba.example", False),
    (b"https://*.a.example", b"https://b.a.example:8443", False),
    (b"https://*.a.example", b"https://evil.example/.a.example", False),
    (b"https://*.a.example", b"https://evil.example:1.a.example", False),
    (b"https://*.a.example", b"https://evil.example@b.a.example", False),
    (b"https://*.a.example:8443", b"https://b.a.example:8443", True),
    (b"https://*", b"https://anything.example", True),
    (b"https://*", b"https://[2001:db8::1]", True),
    (b"https://*", b"https://anything.example:8443", False),
    (b"https://*", b"http://anything.example", False),
    (b"https://*:8443", b"https://anything.example:8443", True),
]


@pytest.mark.parametrize(("declared", "asked", "allowed"), ALLOWED)
def test_origins_agree_in_scheme_host_and_port(declared: bytes, asked: bytes, allowed: bool) -> None:
    assert Origins((declared,)).allow(asked) is allowed


@pytest.mark.parametrize(
    ("origin", "form"),
    [
        (b"HTTPS://A.example:443", b"https://a.example"),
        (b"http://a.example:80", b"http://a.example"),
        (b"http://a.example:8080", b"http://a.example:8080"),
        (b"https://a.example:80", b"https://a.example:80"),
        (b"https://*:443", b"https://*"),
        (b"*", b"*"),
    ],
)
def test_origins_have_one_form(origin: bytes, form: bytes) -> None:
    assert normal(origin) == form
