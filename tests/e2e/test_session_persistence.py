"""Session persistence with real endpoints: a client that shows its token comes back, whatever else happens."""

import re
from collections import Counter
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from proxy.snapshot.route import BackendRef, HeaderModifier, Mirror, Redirect, Retry, RouteMatch, Rule
from proxy.snapshot.session import Seat, Session
from proxy.snapshot.snapshot import Endpoint, Upstream
from tests.certificates import pair
from tests.e2e.gateway import Gateway, rule
from tests.e2e.peers import Backend, Ended, Peer, Script, ok
from tests.e2e.secure import SecureGateway
from tests.patience import eventually

CART = Session("cookie", b"cart", b"scopeONE")
HEADER = Session("header", b"x-session", b"scopeONE")
HOST = "127.0.0.1"


def says(name: bytes, *fields: bytes) -> Script:
    """An endpoint that answers with its name; /upgrade is switched to another protocol."""

    async def script(peer: Peer) -> None:
        while True:
            try:
                request = await peer.request()
            except Ended:
                return
            if request.path == b"/upgrade":
                await peer.send(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n" + name)
                await peer.to_the_end()
                return
            await peer.send(ok(name, request.method, *fields))

    return script


def to(
    *ports: int, key: str = "default/shop:80", weight: int = 1, filters: tuple[HeaderModifier, ...] = ()
) -> tuple[BackendRef, Upstream]:
    endpoints = tuple(Endpoint(HOST, port) for port in ports)
    seats = tuple(Seat(b"%016d" % port, b"key %012d" % port) for port in ports)
    return BackendRef(key, weight, key, filters=filters), Upstream(key, endpoints, seats=seats)


class Browser:
    """A client with a jar of one cookie or header."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.shows: list[bytes] = []
        """Fields that it sends."""
        self.told: list[bytes] = []
        """Tokens it was given, as they stood in the response."""

    async def asks(self, path: bytes = b"/", *fields: bytes, method: bytes = b"GET") -> tuple[int, bytes]:
        """(status, body)."""
        client = await self.gateway.client()
        lines = [b"%b %b HTTP/1.1" % (method, path), b"Host: a", b"Connection: close", *self.shows, *fields]
        await client.send(b"\r\n".join([*lines, b"", b""]))
        got = await client.response(method)
        for name, value in got.fields:
            if name == b"set-cookie" and value.startswith(b"cart="):
                self.told.append(value)
                self.shows = [b"Cookie: " + value.partition(b";")[0]]
            elif name == b"x-session":
                self.told.append(value)
                self.shows = [b"X-Session: " + value]
        return got.status, got.body


def counted(gateway: Gateway, result: str, key: str = "default/shop:80") -> float:
    return gateway.metrics.value("penstock_session_persistence_total", (key, result))


@pytest.mark.parametrize("session", [CART, HEADER], ids=["cookie", "header"])
async def test_a_client_comes_back_to_its_endpoint_and_is_told_once(session: Session) -> None:
    async with (
        Backend(says(b"one")) as one,
        Backend(says(b"two")) as two,
        Gateway(rule(to(one.port, two.port), session=session)) as gateway,
    ):
        browsers = [Browser(gateway) for _ in range(4)]
        homes = [await browser.asks() for browser in browsers]
        assert Counter(homes) == {(200, b"one"): 2, (200, b"two"): 2}
        for _ in range(5):
            assert [await browser.asks() for browser in browsers] == homes
        assert all(len(browser.told) == 1 for browser in browsers)
        assert (counted(gateway, "new"), counted(gateway, "kept")) == (4, 20)


async def test_the_cookie_is_for_this_host_and_for_no_script() -> None:
    async with (
        Backend(says(b"one", b"Set-Cookie: theirs=1")) as one,
        Gateway(rule(to(one.port), session=CART)) as gateway,
    ):
        client = await gateway.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        got = await client.response()
        theirs, ours = [value for name, value in got.fields if name == b"set-cookie"]
        assert theirs == b"theirs=1"
        assert re.fullmatch(rb"cart=[A-Za-z0-9_-]{24}; Path=/; HttpOnly; SameSite=Strict", ours)
        assert str(one.port).encode() not in ours.replace(b"%016d" % one.port, b"")


async def test_over_tls_the_cookie_is_secure() -> None:
    async with Backend(says(b"one")) as one:
        own = pair("a.example")
        async with SecureGateway(rule(to(one.port), session=CART), certificates={"": [own]}) as gateway:
            client = await gateway.secure("a.example", own)
            await client.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
            cookies = [value for name, value in (await client.response()).fields if name == b"set-cookie"]
            assert len(cookies) == 1 and cookies[0].endswith(b"; HttpOnly; SameSite=Strict; Secure")


async def test_an_endpoint_that_goes_is_replaced_and_the_session_moves_for_good() -> None:
    async with (
        Backend(says(b"one")) as one,
        Backend(says(b"two")) as two,
        Backend(says(b"three")) as three,
        Gateway(rule(to(one.port, two.port), session=CART)) as gateway,
    ):
        browser = Browser(gateway)
        home = (await browser.asks())[1]
        left, name = (two, b"two") if home == b"one" else (one, b"one")
        gateway.install(rule(to(left.port, three.port), session=CART))
        for _ in range(6):
            where = (await browser.asks())[1]
            assert where == (await browser.asks())[1] and where in (name, b"three")
        assert len(browser.told) == 2
        assert counted(gateway, "moved") == 1


async def test_an_endpoint_that_refuses_connections_is_replaced_at_once() -> None:
    async with (
        Backend(says(b"one")) as one,
        Backend(says(b"two")) as two,
        Gateway(rule(to(one.port, two.port), session=CART)) as gateway,
    ):
        browser = Browser(gateway)
        home = (await browser.asks())[1]
        gone = one if home == b"one" else two
        gone._server.close()
        for peer in gone.peers:
            peer.close()
        other = b"two" if home == b"one" else b"one"
        await eventually(lambda: all(peer._writer.is_closing() for peer in gone.peers))
        assert [await browser.asks() for _ in range(3)] == [(200, other)] * 3
        assert len(browser.told) == 2


async def test_sessions_come_before_weights() -> None:
    async with Backend(says(b"one")) as one, Backend(says(b"two")) as two:

        def split(a: int, b: int) -> tuple[RouteMatch, Rule, tuple[Upstream, ...]]:
            return rule(to(one.port, weight=a), to(two.port, key="default/next:80", weight=b), session=CART)

        async with Gateway(split(3, 1)) as gateway:
            browsers = [Browser(gateway) for _ in range(8)]
            homes = [(await browser.asks())[1] for browser in browsers]
            assert Counter(homes) == {b"one": 6, b"two": 2}
            for weights in ((1, 99), (1, 0), (0, 1)):
                gateway.install(split(*weights))
                assert [(await browser.asks())[1] for browser in browsers] == homes
            assert {(await Browser(gateway).asks())[1] for _ in range(4)} == {b"two"}
            gateway.install(rule(to(two.port, key="default/next:80"), session=CART))
            assert {(await browser.asks())[1] for browser in browsers} == {b"two"}, "a backend that was removed"


async def test_a_session_stays_with_its_backend_ref_and_that_ones_filters() -> None:
    marks = [(HeaderModifier("response", set=((b"x-version", name),)),) for name in (b"stable", b"canary")]
    async with Backend(says(b"one")) as one:
        refs = [to(one.port, filters=filters) for filters in marks]
        async with Gateway(rule(*refs, session=CART)) as gateway:
            for _ in range(4):
                browser, seen = Browser(gateway), set()
                for _ in range(4):
                    client = await gateway.client()
                    await client.send(b"\r\n".join([b"GET / HTTP/1.1", b"Host: a", *browser.shows, b"", b""]))
                    fields = dict((await client.response()).fields)
                    seen.add(fields[b"x-version"])
                    if b"set-cookie" in fields:
                        browser.shows = [b"Cookie: " + fields[b"set-cookie"].partition(b";")[0]]
                assert len(seen) == 1


async def test_a_retry_that_another_endpoint_answers_moves_the_session() -> None:
    async def fails(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")

    async with Backend(says(b"one")) as one, Backend(says(b"two")) as two:
        policy = Retry((503,), 1, 0.001)
        async with Gateway(rule(to(one.port, two.port), session=CART, retry=policy)) as gateway:
            browser = Browser(gateway)
            home = (await browser.asks())[1]
            sick, other = (one, b"two") if home == b"one" else (two, b"one")
            sick._scripts = (fails,)
            for peer in sick.peers:
                peer.close()
            assert [await browser.asks() for _ in range(3)] == [(200, other)] * 3
            assert len(browser.told) == 2


async def test_answers_of_our_own_carry_no_token() -> None:
    redirect = (Redirect(302, path=None, hostname="b"),)
    for served in (rule(to(), session=CART), rule(session=CART), rule(filters=redirect, session=CART)):
        async with Gateway(served) as gateway:
            browser = Browser(gateway)
            status, _ = await browser.asks()
            assert status in (302, 500, 503) and browser.told == []


async def test_an_upgraded_connection_has_a_place_too() -> None:
    async with (
        Backend(says(b"one")) as one,
        Backend(says(b"two")) as two,
        Gateway(rule(to(one.port, two.port), session=CART)) as gateway,
    ):
        browser = Browser(gateway)
        homes = set()
        for _ in range(4):
            client = await gateway.client()
            lines = [b"GET /upgrade HTTP/1.1", b"Host: a", b"Connection: upgrade", b"Upgrade: echo", *browser.shows]
            await client.send(b"\r\n".join([*lines, b"", b""]))
            got = await client.response()
            assert got.status == 101
            fields = dict(got.fields)
            if b"set-cookie" in fields:
                browser.told.append(fields[b"set-cookie"])
                browser.shows = [b"Cookie: " + fields[b"set-cookie"].partition(b";")[0]]
            await client.until(b"one") if b"one" in client.received else await client.until(b"two")
            homes.add(client.received[-3:])
            client.close()
        assert len(homes) == 1 and len(browser.told) == 1
        assert await browser.asks() == (200, homes.pop())


WRAPPED: list[tuple[str, Callable[[bytes], list[bytes]]]] = [
    ("among others", lambda token: [b"Cookie: a=1; cart=" + token + b"; b=2"]),
    ("in a field of its own", lambda token: [b"Cookie: a=1", b"Cookie: cart=" + token]),
    ("quoted", lambda token: [b'Cookie: cart="' + token + b'"']),
    ("twice", lambda token: [b"Cookie: cart=" + token + b"; cart=" + token]),
    ("behind one that is stale", lambda token: [b"Cookie: cart=scopeONE" + b"x" * 16 + b"; cart=" + token]),
    ("behind one of somebody else", lambda token: [b"Cookie: cart=abc; cart=" + token]),
]


@pytest.mark.parametrize("wrap", [wrap for _, wrap in WRAPPED], ids=[name for name, _ in WRAPPED])
async def test_a_token_is_found_wherever_clients_put_it(wrap: Callable[[bytes], list[bytes]]) -> None:
    async with (
        Backend(says(b"one")) as one,
        Backend(says(b"two")) as two,
        Gateway(rule(to(one.port, two.port), session=CART)) as gateway,
    ):
        browser = Browser(gateway)
        home = await browser.asks()
        token = browser.told[0][len(b"cart=") :].partition(b";")[0]
        browser.shows = wrap(token)
        assert [await browser.asks() for _ in range(4)] == [home] * 4
        assert len(browser.told) == 1


@pytest.mark.parametrize("value", [b"", b"x", b"scopeONE" + b"0" * 16, b"../../etc", b"x" * 20_000, b"\xff\xfe"])
async def test_what_is_no_token_of_ours_is_no_error(value: bytes) -> None:
    async with Backend(says(b"one")) as one, Gateway(rule(to(one.port), session=CART)) as gateway:
        browser = Browser(gateway)
        browser.shows = [b"Cookie: cart=" + value]
        assert await browser.asks() == (200, b"one")
        assert len(browser.told) == 1


async def test_the_backend_sees_the_cookie_and_filters_cannot_take_it_from_us() -> None:
    strips = (HeaderModifier("request", remove=(b"cookie",)), HeaderModifier("response", remove=(b"set-cookie",)))
    async with Backend(says(b"one")) as one, Backend(says(b"two")) as two:
        both = to(one.port, two.port)
        async with Gateway(
            rule(both, session=CART),
            rule(both, path=b"/bare", filters=strips, session=replace(CART, scope=b"scopeTWO")),
        ) as gateway:
            for path in (b"/", b"/bare"):
                browser = Browser(gateway)
                home = await browser.asks(path)
                assert [await browser.asks(path) for _ in range(4)] == [home] * 4
            seen = [request for backend in (one, two) for request in backend.requests]
            carried = Counter(request.path for request in seen if any(name == b"cookie" for name, _ in request.fields))
            assert carried == {b"/": 4}


async def test_rules_of_one_service_and_cookie_have_sessions_of_their_own() -> None:
    async with Backend(says(b"one")) as one, Backend(says(b"two")) as two:
        both = to(one.port, two.port)
        rules = [rule(both, path=path, session=replace(CART, scope=b"scopeOF" + path[1:])) for path in (b"/a", b"/b")]
        async with Gateway(*rules) as gateway:
            await Browser(gateway).asks(b"/a")  # so that the next ones do not fall to one endpoint by turns
            browser = Browser(gateway)
            homes = [await browser.asks(path) for path in (b"/a", b"/b")]
            assert homes[0] != homes[1]
            for _ in range(4):
                assert [await browser.asks(path) for path in (b"/a", b"/b")] == homes
            assert len(browser.told) == 2


async def test_mirrors_get_their_copies_and_have_no_part_in_sessions() -> None:
    async with Backend(says(b"one")) as one, Backend(says(b"two")) as two, Backend(says(b"copy")) as copy:
        copies = Upstream("default/next:80", (Endpoint(HOST, copy.port),))
        match, spec, upstreams = rule(to(one.port, two.port), filters=(Mirror(copies.key, copies.key),), session=CART)
        async with Gateway((match, spec, (*upstreams, copies))) as gateway:
            browser = Browser(gateway)
            home = await browser.asks()
            assert [await browser.asks() for _ in range(4)] == [home] * 4 and len(browser.told) == 1
            await eventually(lambda: len(copy.requests) == 5)
            assert sum(any(name == b"cookie" for name, _ in seen.fields) for seen in copy.requests) == 4


async def test_another_data_plane_understands_the_token() -> None:
    async with Backend(says(b"one")) as one, Backend(says(b"two")) as two:
        both = rule(to(one.port, two.port), session=replace(CART, timeout=3600.0))
        async with Gateway(both) as first:
            browser = Browser(first)
            home = await browser.asks()
        async with Gateway(both) as second:
            browser.gateway = second
            assert [await browser.asks() for _ in range(4)] == [home] * 4
            assert len(browser.told) == 1


async def test_a_session_ends_with_its_timeout_and_not_with_its_cookie() -> None:
    async with (
        Backend(says(b"one")) as one,
        Gateway(rule(to(one.port), session=replace(CART, timeout=0.05))) as gateway,
    ):
        browser = Browser(gateway)
        await browser.asks()
        old = browser.shows
        while len(browser.told) < 2:
            browser.shows = old
            assert await browser.asks() == (200, b"one")
        assert browser.told[0] != browser.told[1]
        assert counted(gateway, "expired") == 1


async def test_sessions_that_are_taken_away_or_given_change_with_the_snapshot() -> None:
    async with Backend(says(b"one")) as one, Backend(says(b"two")) as two:
        both = to(one.port, two.port)
        async with Gateway(rule(both)) as gateway:
            browser = Browser(gateway)
            assert {(await browser.asks())[1] for _ in range(4)} == {b"one", b"two"} and browser.told == []
            gateway.install(rule(both, session=CART))
            assert len({(await browser.asks())[1] for _ in range(4)}) == 1 and len(browser.told) == 1
            gateway.install(rule((both[0], replace(both[1], seats=()))))
            assert {(await browser.asks())[1] for _ in range(4)} == {b"one", b"two"} and len(browser.told) == 1
