"""Backends known by DNS name: requests wait for what the name first leads to, and for nothing after that."""

import pytest
from msgspec.structs import replace

from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.names import NameKey, Resolved
from proxy.snapshot.route import BackendRef, Mirror, Retry, Timeouts
from proxy.snapshot.session import RetryBudget, Seat, Session
from proxy.snapshot.snapshot import Endpoint, Upstream
from tests.certificates import Authority, server_side
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Ended, Peer, ok
from tests.e2e.secure_backends import SecuringGateway, Trust
from tests.patience import eventually

KEY = "default/xbackend/api"
NAME = NameKey("api.test", True)
GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
PATIENT = DataPlaneSettings(connect_timeout=3600)


def named(*ports: int, host: str = "api.test") -> tuple[BackendRef, Upstream]:
    names = tuple(Endpoint(host, port) for port in ports)
    return BackendRef(KEY, 1, KEY), Upstream(KEY, names=names, external=True)


def leads_to(*addresses: str, reason: str = "") -> list[Resolved]:
    return [Resolved(NAME, addresses, reason)]


async def turns_away(peer: Peer) -> None:
    while True:
        try:
            await peer.request()
        except Ended:
            return
        await peer.send(b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nno")


def waiting(gateway: Gateway) -> int:
    naming = gateway.plane._registry.upstream(KEY).naming
    return naming.waiting if naming is not None else 0


def said(gateway: Gateway) -> tuple[int, str, str, str]:
    record = gateway.log.records[-1]
    return record.status, record.flags, record.reason, record.endpoint


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        (GET, b""),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello"),
    ],
)
async def test_a_request_waits_for_the_first_answer(request_: bytes, body: bytes) -> None:
    async with Backend() as backend, Gateway(rule(named(backend.port)), settings=PATIENT) as gateway:
        client = await gateway.client()
        await client.send(request_)
        await eventually(lambda: waiting(gateway))
        gateway.plane.resolve(leads_to("127.0.0.1"))
        assert (await client.response()).status == 200
        assert [request.body for request in backend.requests] == [body]
        assert said(gateway) == (200, "", "", f"127.0.0.1:{backend.port}")
        assert waiting(gateway) == 0


async def test_a_body_of_which_only_a_part_has_come_is_sent_on_as_it_comes() -> None:
    async with Backend() as backend, Gateway(rule(named(backend.port)), settings=PATIENT) as gateway:
        client = await gateway.client()
        await client.send(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello")
        await eventually(lambda: waiting(gateway))
        gateway.plane.resolve(leads_to("127.0.0.1"))
        await eventually(lambda: backend.peers and b"hello" in backend.peers[0].received)
        await client.send(b"world")
        assert (await client.response()).status == 200
        assert backend.requests[0].body == b"helloworld"


async def test_a_session_begins_with_the_first_answer_and_stays_while_the_name_leads_there() -> None:
    async def asks(peer: Peer, *fields: bytes) -> list[tuple[bytes, bytes]]:
        await peer.send(b"\r\n".join([b"GET /a HTTP/1.1", b"Host: h", *fields, b"", b""]))
        return [field for field in (await peer.response()).fields if field[0] == b"set-cookie"]

    async with Backend() as one, Backend() as two:
        ref, upstream = named(one.port, two.port)
        seats = tuple(Seat(b"%016d" % at.port, b"key %012d" % at.port) for at in upstream.names)
        session = Session("cookie", b"cart", b"scopeONE")
        async with Gateway(rule((ref, replace(upstream, seats=seats)), session=session), settings=PATIENT) as gateway:
            client = await gateway.client()
            await client.send(GET)
            await eventually(lambda: waiting(gateway))
            gateway.plane.resolve(leads_to("127.0.0.1"))
            cookie = dict((await client.response()).fields)[b"set-cookie"].partition(b";")[0]
            home = said(gateway)[3]
            for addresses in [("127.0.0.1",), ("127.0.0.1", "127.0.0.2"), ("127.0.0.0", "127.0.0.1")]:
                gateway.plane.resolve(leads_to(*addresses))
                for _ in range(4):
                    assert await asks(client, b"Cookie: " + cookie) == []
                    assert said(gateway)[3] == home


async def test_a_request_that_waits_for_a_name_is_one_of_its_budget() -> None:
    budget = RetryBudget(KEY, percent=50, interval=3600.0, floor=0, floor_interval=3600.0)
    async with Backend(turns_away) as backend:
        ref, upstream = named(backend.port)
        spec = rule((ref, replace(upstream, retry_budget=budget)), retry=Retry((500,), 3, 0.001))
        async with Gateway(spec, settings=PATIENT) as gateway:
            client = await gateway.client()
            await client.send(GET)
            await eventually(lambda: waiting(gateway))
            gateway.plane.resolve(leads_to("127.0.0.1"))
            assert (await client.response()).status == 503
            assert len(backend.requests) == 2
            assert said(gateway)[1:3] == ("RB", "retry_budget_spent")


async def test_it_waits_no_longer_than_for_a_connection() -> None:
    settings = DataPlaneSettings(connect_timeout=0.05)
    async with Gateway(rule(named(80)), settings=settings) as gateway:
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 503
        assert said(gateway) == (503, "DNS", "dns_pending", "")


async def test_nor_for_a_client_that_has_gone() -> None:
    async with Gateway(rule(named(80)), settings=PATIENT) as gateway:
        client = await gateway.client()
        await client.send(GET)
        await eventually(lambda: waiting(gateway))
        client.reset()
        await eventually(lambda: waiting(gateway) == 0)
        assert said(gateway)[:2] == (499, "DC")


@pytest.mark.parametrize("retry", [None, Retry(attempts=1, backoff=0.0)])
async def test_nor_beyond_the_time_of_an_attempt(retry: Retry | None) -> None:
    timeouts = Timeouts(backend_request=0.05)
    async with Gateway(rule(named(80), timeouts=timeouts, retry=retry), settings=PATIENT) as gateway:
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 504
        assert said(gateway)[1:3] == ("UT", "backend_request_timeout")
        assert waiting(gateway) == 0


async def test_no_more_wait_than_wait_for_connections() -> None:
    settings = DataPlaneSettings(connect_timeout=3600, max_upstream_waiting=1)
    async with Gateway(rule(named(80)), settings=settings) as gateway:
        first, second = await gateway.client(), await gateway.client()
        await first.send(GET)
        await eventually(lambda: waiting(gateway))
        await second.send(GET)
        assert (await second.response()).status == 503
        assert said(gateway)[1:3] == ("UO", "upstream_overflow")


async def test_of_several_names_one_address_is_enough_and_all_have_their_say_before_there_is_none() -> None:
    async with Backend() as backend:
        names = Endpoint("api.test", backend.port), Endpoint("db.test", backend.port)
        both = BackendRef(KEY, 1, KEY), Upstream(KEY, names=names, external=True)
        async with Gateway(rule(both), settings=PATIENT) as gateway:
            client = await gateway.client()
            await client.send(GET)
            await eventually(lambda: waiting(gateway))
            gateway.plane.resolve(leads_to(reason="name_not_found"))
            assert waiting(gateway) == 1
            gateway.plane.resolve([Resolved(NameKey("db.test", True), ("127.0.0.1",))])
            assert (await client.response()).status == 200


@pytest.mark.parametrize("reason", ["forbidden_address", "name_not_found", "dns_timeout"])
async def test_a_name_that_leads_nowhere_is_503_at_once_and_says_why(reason: str) -> None:
    async with Gateway(rule(named(80)), settings=PATIENT) as gateway:
        gateway.plane.resolve(leads_to(reason=reason))
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 503
        assert said(gateway) == (503, "DNS", reason, "")


async def test_those_who_wait_hear_that_it_leads_nowhere() -> None:
    async with Gateway(rule(named(80)), settings=PATIENT) as gateway:
        client = await gateway.client()
        await client.send(GET)
        await eventually(lambda: waiting(gateway))
        gateway.plane.resolve(leads_to(reason="forbidden_address"))
        assert (await client.response()).status == 503
        assert said(gateway)[2] == "forbidden_address"


async def test_requests_go_where_the_name_leads_now_and_those_under_way_end_where_they_are() -> None:
    async def holds(peer: Peer) -> None:
        await peer.request()
        await peer.until(b"never")

    async with Backend(holds, host="127.0.0.2") as old, Backend(host="127.0.0.1") as new:
        both = named(old.port, new.port)
        async with Gateway(rule(both), settings=PATIENT) as gateway:
            gateway.plane.resolve(leads_to("127.0.0.2"))
            held = await gateway.client()
            await held.send(GET)
            await eventually(lambda: old.requests)
            gateway.plane.resolve(leads_to("127.0.0.1"))
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 200
            assert new.requests
            assert not old.peers[0].how
            await old.peers[0].send(ok(b"late"))
            assert (await held.response()).body == b"late"
            await eventually(lambda: old.peers[0].how)


async def test_an_address_that_stays_keeps_its_connections() -> None:
    async with Backend() as backend, Gateway(rule(named(backend.port)), settings=PATIENT) as gateway:
        client = await gateway.client()
        for addresses in (["127.0.0.1"], ["127.0.0.1", "127.0.0.9"], ["127.0.0.1"]):
            gateway.plane.resolve(leads_to(*addresses))
        for _ in range(3):
            await client.send(GET)
            assert (await client.response()).status == 200
        gateway.plane.resolve(leads_to("127.0.0.1"))
        await client.send(GET)
        assert (await client.response()).status == 200
        assert len(backend.peers) == 1


async def test_the_metric_of_endpoints_shows_addresses() -> None:
    async with Gateway(rule(named(80)), settings=PATIENT) as gateway:
        gateway.plane.resolve(leads_to("127.0.0.1", "::1"))
        gateway.plane.resolve(leads_to("127.0.0.1"))
        up = [gateway.metrics.value("penstock_endpoint_up", (KEY, at)) for at in ("127.0.0.1:80", "[::1]:80")]
        assert up == [1.0, 0.0]


async def test_a_backend_that_loses_its_name_lets_go_of_who_waits_for_it() -> None:
    async with Backend() as backend, Gateway(rule(named(80)), settings=PATIENT) as gateway:
        client = await gateway.client()
        await client.send(GET)
        await eventually(lambda: waiting(gateway))
        address = Upstream(KEY, (Endpoint("127.0.0.1", backend.port),))
        gateway.install(rule((BackendRef(KEY, 1, KEY), address)))
        assert (await client.response()).status == 200


async def test_so_does_one_that_is_gone() -> None:
    async with Backend() as backend, Gateway(rule(named(80)), settings=PATIENT) as gateway:
        client = await gateway.client()
        await client.send(GET)
        await eventually(lambda: waiting(gateway))
        gateway.install(rule(to(backend.port)))
        assert (await client.response()).status == 503
        assert said(gateway)[2] == "no_ready_endpoint"


async def test_a_name_that_is_gone_and_comes_back_is_pending_again() -> None:
    async with Backend() as backend, Gateway(rule(named(80)), settings=PATIENT) as gateway:
        gateway.plane.resolve(leads_to("127.0.0.2"))
        gateway.install(rule(to(backend.port)))
        gateway.install(rule(named(backend.port)))
        client = await gateway.client()
        await client.send(GET)
        await eventually(lambda: waiting(gateway))
        gateway.plane.resolve(leads_to("127.0.0.1"))
        assert (await client.response()).status == 200


async def test_what_is_told_before_a_configuration_is_there_is_remembered() -> None:
    async with Backend() as backend, Gateway(rule(to(backend.port)), settings=PATIENT) as gateway:
        gateway.plane.resolve(leads_to("127.0.0.1"))
        gateway.install(rule(named(backend.port)))
        client = await gateway.client()
        await client.send(GET)
        assert (await client.response()).status == 200


async def test_mirrors_wait_for_nothing() -> None:
    async with Backend() as backend:
        ref, upstream = named(80)
        beside = BackendRef(ref.backend, 0, ref.upstream), upstream
        rules = rule(to(backend.port), beside, filters=(Mirror(KEY, KEY),))
        async with Gateway(rules, settings=PATIENT) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 200
            assert gateway.metrics.value("penstock_mirror_requests_total", (KEY, "failed")) == 1


async def test_tls_asks_for_the_name_that_is_declared_and_not_for_the_one_that_is_looked_up() -> None:
    root, asked = Authority("root"), list[str | None]()
    context = server_side(root.issues("one.example"))
    context.sni_callback = lambda _, name, __: asked.append(name)
    async with Backend(secure=context) as backend:
        trust = Trust()
        ref, upstream = trust.to(backend.port, authority=root)
        by_name = replace(upstream, endpoints=(), names=(Endpoint("api.test", backend.port),), external=True)
        async with SecuringGateway(trust, rule((ref, by_name)), settings=PATIENT) as gateway:
            gateway.plane.resolve(leads_to("127.0.0.1"))
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 200
            assert asked == ["one.example"]
