"""Tokens: what a request shows, which endpoint that means, and what the client is told to show next."""

import asyncio
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.batch import WriteBatch
from proxy.observe.metrics import WorkerMetrics
from proxy.protocol.limits import Limits
from proxy.protocol.message import Headers, Response
from proxy.snapshot.names import NameKey, Resolved
from proxy.snapshot.session import Seat, Session
from proxy.snapshot.snapshot import Endpoint, Upstream
from proxy.upstream.live import LiveUpstream
from proxy.upstream.pools import Registry
from proxy.upstream.session import MAX_TOKENS, Place, Sessions
from proxy.upstream.settings import PoolSettings
from tests.clock import ManualTime

CART = Session("cookie", b"cart", b"scopeONE")
OTHER = Session("cookie", b"cart", b"scopeTWO")
TIMED = Session("cookie", b"cart", b"scopeONE", timeout=60.0)
NOW = 1_800_000_000.0


def seat(number: int) -> Seat:
    return Seat(b"%016d" % number, b"key %012d" % number)


def upstream(key: str, *ports: int) -> Upstream:
    return Upstream(key, tuple(Endpoint("::1", port) for port in ports), seats=tuple(map(seat, ports)))


class Site:
    """Upstreams that come and go, and the sessions of one rule among them."""

    def __init__(self, spec: Session, *upstreams: Upstream) -> None:
        loop, time = asyncio.get_running_loop(), ManualTime()
        self.metrics = WorkerMetrics.in_memory()
        settings = PoolSettings(Limits())
        self.registry = Registry(loop, time.wheel, WriteBatch(loop.call_soon), self.metrics, settings)
        self.live = [self.registry.upstream(each.key) for each in upstreams]
        self.install(*upstreams)
        self.sessions = Sessions(spec, self.live)

    def install(self, *upstreams: Upstream) -> None:
        self.registry.install({each.key: each for each in upstreams}, ())

    def place(self, *cookies: bytes, now: float = NOW) -> Place:
        return self.sessions.read([(b"cookie", each) for each in cookies], now)

    def ask(
        self, cookie: bytes = b"", *, index: int = 0, now: float = NOW, tried: Sequence[int] = ()
    ) -> tuple[int, bytes]:
        """(port of the endpoint that answers, the Cookie field that the client sends from now on)."""
        place = self.place(*([cookie] if cookie else []), now=now)
        index = max(place.index, 0) if place.index >= 0 else index
        live = self.live[index]
        pool = place.pick(live, tuple(each for each in live.pools if port_of(each.label) in tried))
        assert pool is not None
        value = place.value_for(index, live, pool, now)
        return port_of(pool.label), cookie if value is None else b"cart=" + value

    def told(self, place: Place, *, index: int = 0, pool: int = 0, now: float = NOW) -> bytes | None:
        live = self.live[index]
        return place.value_for(index, live, live.pools[pool], now)

    def counted(self, result: str, key: str = "a") -> float:
        return self.metrics.value("penstock_session_persistence_total", (key, result))


def port_of(label: str) -> int:
    return int(label.rpartition(":")[2])


async def test_a_session_stays_where_it_began() -> None:
    site = Site(CART, upstream("a", 1, 2, 3))
    first, cookie = site.ask()
    for _ in range(20):
        assert site.ask(cookie) == (first, cookie)
    assert site.counted("new") == 1 and site.counted("kept") == 20


async def test_clients_without_a_token_are_spread() -> None:
    site = Site(CART, upstream("a", 1, 2, 3))
    assert {site.ask()[0] for _ in range(9)} == {1, 2, 3}


async def test_an_endpoint_that_went_is_replaced_and_the_client_told() -> None:
    site = Site(CART, upstream("a", 1, 2))
    first, cookie = site.ask()
    site.install(upstream("a", 3 - first))
    second, renewed = site.ask(cookie)
    assert second == 3 - first and renewed != cookie
    site.install(upstream("a", 1, 2))
    assert site.ask(renewed) == (second, renewed)
    assert site.ask(cookie) == (first, cookie), "it is back, and so is whoever still shows its token"
    assert site.counted("moved") == 1


async def test_who_was_answered_by_another_endpoint_belongs_there_from_then_on() -> None:
    site = Site(CART, upstream("a", 1, 2))
    first, cookie = site.ask()
    second, renewed = site.ask(cookie, tried=[first])
    assert second != first
    assert site.ask(renewed) == (second, renewed)
    assert site.counted("moved") == 1


async def test_a_token_says_nothing_of_the_endpoint_and_is_the_same_everywhere() -> None:
    one, other = Site(CART, upstream("a", 1, 2)), Site(CART, upstream("b", 9), upstream("a", 2, 1))
    port, cookie = one.ask()
    assert re.fullmatch(rb"cart=[A-Za-z0-9_-]{24}", cookie)
    assert other.ask(cookie) == (port, cookie)


async def test_the_backend_of_a_session_is_found_by_its_token() -> None:
    site = Site(CART, upstream("a", 1), upstream("b", 2))
    _, cookie = site.ask(index=1)
    assert site.place(cookie).index == 1
    _, cookie = site.ask(index=0)
    assert site.place(cookie).index == 0


async def test_backends_that_lead_nowhere_are_passed_over() -> None:
    site = Site(CART, upstream("a", 1))
    sessions = Sessions(CART, [None, site.live[0], None])
    place = sessions.read([], NOW)
    token = place.value_for(1, site.live[0], site.live[0].pools[0], NOW)
    assert token is not None
    assert sessions.read([(b"cookie", b"cart=" + token)], NOW).index == 1


async def test_an_upstream_that_is_there_twice_keeps_its_sessions_apart() -> None:
    site = Site(CART, upstream("a", 1))
    sessions = Sessions(CART, [site.live[0], site.live[0]])
    for index in (0, 1):
        token = sessions.read([], NOW).value_for(index, site.live[0], site.live[0].pools[0], NOW)
        assert token is not None
        assert sessions.read([(b"cookie", b"cart=" + token)], NOW).index == index


async def test_addresses_of_one_pod_are_one_place() -> None:
    both = Upstream("a", (Endpoint("127.0.0.1", 1), Endpoint("::1", 1)), seats=(seat(1), seat(1)))
    site = Site(CART, both)
    for pool in (0, 1):
        token = site.told(site.place(), pool=pool)
        place = site.place(b"cart=" + (token or b""))
        assert place.index == 0
        assert site.told(place, pool=0) is None and site.told(place, pool=1) is None


# --- DNS names --------------------------------------------------------------------------------

NAME = NameKey("shop.test", True)


def named(*, before: int = 0) -> Upstream:
    """Two ports of a name, behind an endpoint with an address if `before` is its port."""
    names = (Endpoint("shop.test", 1), Endpoint("shop.test", 2))
    known = (Endpoint("::1", before),) if before else ()
    seats = tuple(seat(at.port) for at in (*known, *names))
    return Upstream("a", known, seats=seats, names=names, external=True)


def tokens(site: Site) -> dict[str, bytes]:
    """Endpoint to the name of its seat."""
    return {pool.label: each.name for pool, each in site.live[0].seats.items()}


async def test_each_address_that_a_name_leads_to_has_a_place_of_its_own_wherever_it_is_served() -> None:
    one, other = Site(CART, named()), Site(CART, named())
    assert tokens(one) == {}
    one.registry.resolve([Resolved(NAME, ("10.0.0.1", "10.0.0.2"))])
    other.registry.resolve([Resolved(NAME, ("10.0.0.0", "10.0.0.2"))])
    assert len(set(tokens(one).values())) == len(one.live[0].pools) == 4
    shared = {"10.0.0.2:1", "10.0.0.2:2"}
    assert {at: tokens(one)[at] for at in shared} == {at: tokens(other)[at] for at in shared}
    assert not {seat(1).name, seat(2).name} & set(tokens(one).values())


async def test_a_session_stays_with_its_address_while_the_name_leads_there() -> None:
    site = Site(CART, named())
    site.registry.resolve([Resolved(NAME, ("10.0.0.1",))])
    first, cookie = site.ask()
    site.registry.resolve([Resolved(NAME, ("10.0.0.0", "10.0.0.1"))])
    assert [site.ask(cookie) for _ in range(8)] == [(first, cookie)] * 8
    site.registry.resolve([Resolved(NAME, ("10.0.0.0",))])
    assert site.ask(cookie)[1] != cookie
    assert site.counted("moved") == 1


async def test_endpoints_with_addresses_keep_their_places_beside_those_of_names() -> None:
    site = Site(CART, named(before=7))
    _, cookie = site.ask()
    site.registry.resolve([Resolved(NAME, ("10.0.0.1", "10.0.0.2"))])
    assert [site.ask(cookie) for _ in range(8)] == [(7, cookie)] * 8
    assert tokens(site)["[::1]:7"] == seat(7).name


async def test_an_address_that_a_name_leads_to_as_well_is_one_place() -> None:
    site = Site(CART, replace(named(), endpoints=(Endpoint("10.0.0.1", 1),), seats=(seat(7), seat(1), seat(2))))
    site.registry.resolve([Resolved(NAME, ("10.0.0.1",))])
    assert tokens(site)["10.0.0.1:1"] == seat(7).name
    assert len(site.live[0].seats) == len(site.live[0].pools) == 2


# --- what is not a token ----------------------------------------------------------------------

ODD = [
    # (value, what counts)
    (b"", "invalid"),
    (b"garbage", "invalid"),
    (b"x" * 24, "new"),
    (b"scopeONE" + b"x" * 16, "moved"),
    (b"scopeONE" + b"x" * 17, "moved"),
    (b"scopeONE", "moved"),
    (b"scopeONE%016dx" % 1, "invalid"),
    (b"scopeTWO" + b"x" * 17, "invalid"),
    (b"scopeTWO" + b"x" * 15 + b"=", "invalid"),
    (b"scopeONE" + b"x" * 40, "moved"),
    (b"scopeTWO" + b"x" * 16, "new"),
    (b"." * 30, "invalid"),
    (b"scopeTWO" + b"\xff" * 16, "invalid"),
    (b"x" * 100_000, "invalid"),
    (b".".join([b"scopeTWO" + b"x" * 16] * 50), "invalid"),
]


@pytest.mark.parametrize(("value", "result"), ODD)
async def test_anything_else_is_as_good_as_nothing(value: bytes, result: str) -> None:
    site = Site(CART, upstream("a", 1, 2))
    place = site.place(b"cart=" + value)
    assert (place.index, place.result) == (-1, result)
    assert site.told(place) is not None


@given(st.binary(max_size=200) | st.text('scopeONE0123.="; ', max_size=80).map(str.encode))
def test_no_cookie_is_an_error(value: bytes) -> None:
    async def read() -> None:
        site = Site(TIMED, upstream("a", 1))
        assert site.place(b"cart=" + value).index == -1

    asyncio.run(read())


@pytest.mark.parametrize("change", range(24))
async def test_a_changed_token_leads_nowhere(change: int) -> None:
    site = Site(CART, upstream("a", 1))
    _, cookie = site.ask()
    at = len(b"cart=") + change
    changed = cookie[:at] + (b"A" if cookie[at : at + 1] != b"A" else b"B") + cookie[at + 1 :]
    assert site.place(changed).index == -1


async def test_the_first_token_that_holds_counts_whatever_stands_before_it() -> None:
    site = Site(CART, upstream("a", 1, 2))
    one, two = (site.told(site.place(), pool=pool) for pool in (0, 1))
    assert one is not None and two is not None
    gone = b"scopeONE" + b"x" * 16
    for fields in ([b"cart=%b; cart=%b" % (one, two)], [b"cart=" + one, b"cart=" + two]):
        assert site.place(*fields).seat == one[8:]
    for before in (gone, b"garbage", b"", b"x" * 1000):
        assert site.place(b"cart=%b; cart=%b" % (before, two)).seat == two[8:]
    assert site.place(b'a=b; cart="%b"' % two).seat == two[8:]


# --- several rules by one name ------------------------------------------------------------------


async def test_rules_with_one_name_keep_their_own_sessions_in_one_cookie() -> None:
    one, other = Site(CART, upstream("a", 1, 2, 3)), Site(OTHER, upstream("a", 1, 2, 3))
    first, cookie = one.ask()
    assert other.place(cookie).result == "new", "a session is not shared"
    second, cookie = other.ask(cookie)
    for _ in range(5):
        assert one.ask(cookie) == (first, cookie)
        assert other.ask(cookie) == (second, cookie)


async def test_the_newest_tokens_of_other_rules_are_kept_and_no_more_than_have_room() -> None:
    site = Site(CART, upstream("a", 1))
    others = [b"scope%03d" % number + b"x" * 16 for number in range(MAX_TOKENS)]
    told = site.told(site.place(b"cart=" + b".".join(others)))
    assert told is not None
    own, *kept = told.split(b".")
    assert own.startswith(b"scopeONE") and kept == others[:-1]
    assert site.place(b"cart=" + told).index == 0


async def test_own_tokens_that_lead_nowhere_are_left_out() -> None:
    site = Site(CART, upstream("a", 1))
    told = site.told(site.place(b"cart=scopeONE%b.scopeTWO%b" % (b"x" * 16, b"y" * 16)))
    assert told is not None and told.split(b".")[1:] == [b"scopeTWO" + b"y" * 16]


# --- time -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "result"), [(-3600.0, "kept"), (0.0, "kept"), (59.9, "kept"), (60.0, "expired"), (1e9, "expired")]
)
async def test_a_session_ends_when_its_time_is_over(age: float, result: str) -> None:
    site = Site(TIMED, upstream("a", 1))
    _, cookie = site.ask(now=NOW)
    assert site.place(cookie, now=NOW + age).result == result


async def test_time_is_not_moved_by_use_and_begins_anew_with_a_new_session() -> None:
    site = Site(TIMED, upstream("a", 1))
    _, cookie = site.ask(now=NOW)
    assert site.ask(cookie, now=NOW + 59)[1] == cookie
    _, renewed = site.ask(cookie, now=NOW + 61)
    assert renewed != cookie
    assert site.place(renewed, now=NOW + 120).result == "kept"
    assert site.counted("expired") == 1


@pytest.mark.parametrize("part", ["seat", "time", "seal", "none", "other seat"])
async def test_nobody_else_can_say_when_a_session_began(part: str) -> None:
    site = Site(TIMED, upstream("a", 1, 2))
    token = site.told(site.place(), pool=0, now=NOW) or b""
    later = urlsafe_b64encode(int((NOW + 1000) * 1000).to_bytes(6, "big"))
    forged = {
        "seat": token[:8] + b"x" * 16 + token[24:],
        "time": token[:24] + later + token[32:],
        "seal": token[:32] + b"A" * 16,
        "none": token[:24],
        "other seat": token[:8] + seat(2).name + token[24:],
    }
    assert site.place(b"cart=" + token, now=NOW).index == 0
    assert site.place(b"cart=" + forged[part], now=NOW).index == -1


async def test_a_timeout_that_is_taken_away_ends_no_session() -> None:
    site = Site(TIMED, upstream("a", 1))
    _, cookie = site.ask()
    untimed = Sessions(CART, site.live)
    assert untimed.read([(b"cookie", cookie)], NOW + 1e6).result == "kept"


# --- on the wire --------------------------------------------------------------------------------

FIELDS = [
    # (spec, over TLS, the field)
    (CART, False, b"cart=V; Path=/; HttpOnly; SameSite=Strict"),
    (CART, True, b"cart=V; Path=/; HttpOnly; SameSite=Strict; Secure"),
    (TIMED, False, b"cart=V; Path=/; HttpOnly; SameSite=Strict"),
    (
        Session("cookie", b"c", b"s", path=b"/shop", timeout=0.5, permanent=True),
        False,
        b"c=V; Path=/shop; HttpOnly; SameSite=Strict; Max-Age=1",
    ),
    (
        Session("cookie", b"c", b"s", timeout=3600.0, permanent=True),
        True,
        b"c=V; Path=/; HttpOnly; SameSite=Strict; Max-Age=3600; Secure",
    ),
]


@pytest.mark.parametrize(("spec", "secure", "field"), FIELDS)
def test_the_cookie_as_it_is_set(spec: Session, secure: bool, field: bytes) -> None:
    response = Response(200, [(b"set-cookie", b"theirs=1")])
    Sessions(spec, []).write(response, b"V", secure)
    assert response.headers == [(b"set-cookie", b"theirs=1"), (b"set-cookie", field)]


def test_a_header_is_there_once() -> None:
    response = Response(200, [(b"x-session", b"theirs"), (b"a", b"b"), (b"x-session", b"again")])
    Sessions(Session("header", b"x-session", b"s"), []).write(response, b"V", True)
    assert response.headers == [(b"a", b"b"), (b"x-session", b"V")]


async def test_a_header_is_read_as_a_whole() -> None:
    site = Site(Session("header", b"x-session", b"scopeONE"), upstream("a", 1))
    token = site.told(site.place()) or b""
    shown: Headers = [(b"cookie", b"x-session=" + b"x" * 24), (b"x-session", token)]
    assert site.sessions.read(shown, NOW).index == 0
    assert site.sessions.read([(b"cookie", b"x-session=" + token)], NOW).index == -1


# --- whatever happens ---------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 3)),
        st.tuples(st.just("endpoints"), st.sets(st.integers(1, 6), min_size=1)),
        st.tuples(st.just("fail"), st.integers(0, 3)),
    ),
    max_size=40,
)


@given(STEPS)
def test_a_client_never_leaves_its_endpoint_while_that_is_there(steps: list[tuple[str, object]]) -> None:
    asyncio.run(_live(steps))


async def _live(steps: list[tuple[str, object]]) -> None:
    """Clients ask, endpoints come and go, and now and then one fails and another answers in its place."""
    ports = {1, 2, 3}
    site = Site(CART, upstream("a", *ports))
    cookies: dict[object, bytes] = {}
    homes: dict[object, int] = {}
    for what, value in steps:
        if what == "endpoints":
            assert isinstance(value, set)
            ports = value
            site.install(upstream("a", *sorted(ports)))
            continue
        home = homes.get(value)
        tried = [home] if what == "fail" and home is not None else []
        port, cookies[value] = site.ask(cookies.get(value, b""), tried=tried)
        assert port in ports
        if home in ports and not tried:
            assert port == home
        homes[value] = port


def test_nothing_secret_is_in_the_words_for_a_seat() -> None:
    assert repr(seat(1)) == "Seat(...)"
    assert "0001" not in repr(Upstream("a", seats=(seat(1),)))


def test_live_upstreams_without_sessions_have_no_seats() -> None:
    assert not LiveUpstream("a", WorkerMetrics.in_memory()).seats
