"""CORS (HTTPCORSFilter): the preflight that the gateway answers, and what pages may read of ordinary answers."""

from tests.spec.served import Answer, Served
from tests.spec.site import WEB, prefix, route, rule

FOO, BAR, DEEPER, EVIL = "https://www.foo.com", "https://www.bar.com", "https://xpto.www.bar.com", "https://foobar.com"
OTHER = "https://other.foo.com"
WITH_PORT = f"{EVIL}:12345"
ABSENT = None


def cors(fields: str) -> str:
    return f"{{type: CORS, cors: {{{fields}}}}}"


SITE = WEB + route(
    "cors",
    rule(
        prefix("/cors-1"),
        to="v1",
        filters=cors(
            "allowOrigins: ['https://www.foo.com', 'https://*.bar.com'], allowMethods: [GET, OPTIONS], "
            "allowHeaders: [x-header-1, x-header-2], exposeHeaders: [x-header-3, x-header-4], "
            "allowCredentials: true, maxAge: 3600"
        ),
    ),
    rule(prefix("/cors-2"), to="v1", filters=cors("allowOrigins: ['https://www.foo.com'], allowMethods: ['*']")),
    rule(
        prefix("/any-origin"),
        to="v1",
        filters=cors("allowOrigins: ['*'], allowMethods: [PUT], allowCredentials: false"),
    ),
    rule(
        prefix("/all"),
        to="v1",
        filters=cors("allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*'], allowCredentials: true"),
    ),
    rule(
        prefix("/all-unauth"),
        to="v1",
        filters=cors("allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*'], allowCredentials: false"),
    ),
)
ASKS = "access-control-request-method:{} access-control-request-headers:x-header-1,+x-header-2"
GRANTED = {
    "allow-methods": "GET, OPTIONS",
    "allow-headers": "x-header-1, x-header-2",
    "expose-headers": "x-header-3, x-header-4",
    "max-age": "3600",
    "allow-credentials": "true",
}
Fields = dict[str, str | set[str] | None]
PAIRS: list[tuple[str, str, str, Fields]] = [
    # (method and path, Origin, further fields, the fields of the answer; a set: any of these)
    ("OPTIONS a/cors-1", FOO, ASKS.format("GET"), {"allow-origin": FOO, **GRANTED}),
    ("OPTIONS a/cors-1", BAR, ASKS.format("GET"), {"allow-origin": BAR, **GRANTED}),
    ("OPTIONS a/cors-1", DEEPER, ASKS.format("GET"), {"allow-origin": DEEPER, **GRANTED}),
    ("OPTIONS a/cors-1", EVIL, "access-control-request-method:GET", {"allow-origin": ABSENT}),
    ("GET a/cors-1", FOO, ASKS.format("GET"), {"allow-origin": FOO}),
    ("GET a/cors-1", BAR, ASKS.format("GET"), {"allow-origin": BAR}),
    ("GET a/cors-1", EVIL, "access-control-request-method:GET", {"allow-origin": ABSENT}),
    ("OPTIONS a/cors-2", FOO, "access-control-request-method:POST",
     {"allow-origin": FOO, "allow-methods": {"POST", "*"}, "allow-credentials": ABSENT}),
    ("OPTIONS a/cors-2", FOO, "access-control-request-method:PUT", {"allow-credentials": ABSENT}),
    ("OPTIONS a/any-origin", EVIL, "access-control-request-method:PUT",
     {"allow-origin": {EVIL, "*"}, "allow-methods": "PUT", "allow-credentials": ABSENT}),
    ("OPTIONS a/any-origin", WITH_PORT, "access-control-request-method:PUT",
     {"allow-origin": {WITH_PORT, "*"}, "allow-methods": "PUT", "allow-credentials": ABSENT}),
    ("GET a/any-origin", WITH_PORT, "", {"allow-origin": {WITH_PORT, "*"}}),
    ("GET a/any-origin", EVIL, "", {"allow-origin": {EVIL, "*"}, "allow-credentials": ABSENT}),
    ("OPTIONS a/all", OTHER, ASKS.format("PUT"),
     {"allow-origin": OTHER, "allow-methods": "PUT", "allow-headers": "x-header-1, x-header-2",
      "allow-credentials": "true"}),
    ("OPTIONS a/all-unauth", OTHER, ASKS.format("PUT"),
     {"allow-origin": {OTHER, "*"}, "allow-methods": {"PUT", "*"}, "allow-headers": {"x-header-1, x-header-2", "*"},
      "allow-credentials": ABSENT}),
    ("GET a/all", OTHER, "", {"allow-origin": OTHER, "allow-credentials": "true"}),
    ("GET a/all-unauth", OTHER, "", {"allow-origin": {OTHER, "*"}, "allow-credentials": ABSENT}),
]  # fmt: skip


def line(start: str, origin: str, more: str) -> str:
    return f"{start} Origin:{origin}" + (f" {more}" if more else "")


async def test_every_pair_of_request_and_answer() -> None:
    assert len(PAIRS) == 17
    async with Served(SITE) as site:
        for start, origin, more, fields in PAIRS:
            answer = await site.ask(line(start, origin, more))
            for name, wanted in fields.items():
                got = answer.field(f"access-control-{name}")
                assert got in wanted if isinstance(wanted, set) else got == wanted, (start, origin, name)
            check_who_answered(answer, start)


def check_who_answered(answer: Answer, start: str) -> None:
    """A preflight ends at the gateway, with nothing in it; anything else gets the backend's answer."""
    if start.startswith("OPTIONS"):
        assert (answer.status, answer.echo, answer.body) == (204, None, b"")
        assert answer.field("content-type") is None
    else:
        assert (answer.status, answer.outcome) == (200, "v1")


async def test_what_only_looks_like_a_preflight_goes_to_the_backend() -> None:
    rows = {
        f"OPTIONS a/cors-1 Origin:{FOO}": "v1",
        "OPTIONS a/cors-1 access-control-request-method:GET": "v1",
        f"POST a/cors-1 Origin:{FOO} access-control-request-method:GET": "v1",
    }
    async with Served(SITE) as site:
        assert await site.outcomes(rows) == rows


async def test_max_age_is_5_unless_told() -> None:
    async with Served(SITE) as site:
        answer = await site.ask(line("OPTIONS a/cors-2", FOO, "access-control-request-method:GET"))
        assert answer.field("access-control-max-age") == "5"


async def test_origins_are_compared_as_scheme_host_and_port() -> None:
    rows = {
        "https://shop.example": True,
        "https://shop.example:443": True,
        "https://SHOP.example": True,
        "http://shop.example": False,
        "https://shop.example:8443": False,
        "https://a.shop.example": False,
        "http://plain.example:80": True,
        "http://plain.example": True,
        "https://a.b.wild.example:8443": True,
        "https://wild.example:8443": False,
        "https://a.wild.example": False,
        "null": False,
    }
    origins = "allowOrigins: ['https://shop.example', 'http://plain.example:80', 'https://*.wild.example:8443']"
    async with Served(WEB + route("r", rule(to="v1", filters=cors(origins)))) as site:
        got = {origin: (await site.ask(f"a/ Origin:{origin}")).field("access-control-allow-origin") for origin in rows}
        assert got == {origin: origin if allowed else None for origin, allowed in rows.items()}


async def test_the_fields_of_the_backend_do_not_stand_beside_those_of_the_gateway() -> None:
    wanted = "access-control-allow-origin:*,access-control-expose-headers:x-own"
    async with Served(SITE) as site:
        answer = await site.ask(line("GET a/cors-1", FOO, f"X-Echo-Set-Header:{wanted}"))
        assert answer.all("access-control-allow-origin") == [FOO]
        assert answer.all("access-control-expose-headers") == ["x-header-3, x-header-4"]
        refused = await site.ask(line("GET a/cors-1", EVIL, f"X-Echo-Set-Header:{wanted}"))
        assert refused.all("access-control-allow-origin") == refused.all("access-control-expose-headers") == []
