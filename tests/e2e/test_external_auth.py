"""ExternalAuth on real sockets: what is asked, who is let in, and what the others hear."""

import pytest
from aiohttp import web
from msgspec.structs import replace

from proxy.snapshot.route import Cors, HeaderModifier, Rewrite, Timeouts
from proxy.snapshot.snapshot import Endpoint
from tests.certificates import Authority, server_side
from tests.e2e.authorities import ALLOWS, DENIES, Asked, answering, logged, named, untouched
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Peer, answers_everything
from tests.e2e.secure_backends import SecuringGateway, Trust
from tests.patience import eventually

GET = b"GET /a%20b?c=d HTTP/1.1\r\nHost: www.example.com\r\nAuthorization: Bearer x\r\nCookie: s=1\r\nX-Plan: b\r\n\r\n"


async def test_who_is_allowed_is_served_and_the_server_was_told_what_the_api_lists() -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port, prefix=b"/check")
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).body == b"path=/a%20b"
            [question] = authority.requests
            assert (question.method, question.target, question.body) == (b"GET", b"/check/a%20b?c=d", b"")
            told = {name.lower(): value for name, value in question.fields}
            assert told.pop(b"via").endswith(b"penstock")
            assert told == {b"host": b"www.example.com", b"authorization": b"Bearer x", b"content-length": b"0"}
            assert asked.counts(gateway) == {"allowed": 1} and logged(gateway) == (200, "", "")


async def test_further_headers_are_told_by_name() -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port, sent=(b"cookie", b"x-forwarded-for", b"transfer-encoding", b"content-length"))
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 200
            [question] = authority.requests
            assert named(question, b"cookie") == [b"s=1"] and named(question, b"x-plan") == []
            assert named(question, b"x-forwarded-for") == [b"127.0.0.1"]
            assert named(question, b"content-length") == [b"0"]


@pytest.mark.parametrize("at", ["rule", "backend"])
async def test_who_is_denied_gets_the_servers_own_answer_and_the_backend_hears_nothing(at: str) -> None:
    async with Backend() as backend, Backend(answering(DENIES)) as authority:
        asked = Asked(authority.port)
        on_rule = (asked.filter,) if at == "rule" else ()
        target = to(backend.port, filters=() if at == "rule" else (asked.filter,))
        async with Gateway(rule(target, asked.beside, filters=on_rule)) as gateway:
            client = await gateway.client()
            for _ in range(2):
                await client.send(GET)
                answer = await client.response()
                assert (answer.status, answer.body) == (401, b"log in")
                assert dict(answer.fields)[b"www-authenticate"] == b'Basic realm="x"'
            assert untouched(backend) and asked.counts(gateway) == {"denied": 2}
            assert len(authority.peers) == 1, "connections are kept"
            assert logged(gateway) == (401, "AD", "auth_denied")


async def test_a_redirect_to_a_login_page_with_its_cookies_reaches_the_browser() -> None:
    answer = (
        b"HTTP/1.1 302 Found\r\nLocation: https://login.example.com/?r=1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
        b"X-Request-Id: theirs\r\nContent-Length: 0\r\n\r\n"
    )
    async with Backend() as backend, Backend(answering(answer)) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            got = await client.response()
            assert got.status == 302 and dict(got.fields)[b"location"] == b"https://login.example.com/?r=1"
            assert [value for name, value in got.fields if name == b"set-cookie"] == [b"a=1", b"b=2"]
            ids = [value for name, value in got.fields if name == b"x-request-id"]
            assert ids == [gateway.log.records[-1].request_id.encode()]


async def test_of_a_refusal_nothing_is_passed_on_that_frames_it_or_is_of_its_connection() -> None:
    answer = (
        b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n"
        b"Keep-Alive: timeout=5\r\nX-Why: no\r\n\r\n3\r\nno \r\n3;x=y\r\nway\r\n0\r\nX-Trailer: 1\r\n\r\n"
    )
    async with Backend() as backend, Backend(answering(answer)) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET + GET)
            for _ in range(2):
                got = await client.response()
                assert (got.status, got.body) == (403, b"no way")
                names = {name for name, _ in got.fields}
                assert b"x-why" in names and not names & {b"x-hop", b"keep-alive", b"transfer-encoding", b"connection"}


NOTHING = b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("status", [b"201 Created", b"202 Accepted", b"206 Partial Content", b"304 Not Modified"])
async def test_only_200_allows_and_no_refusal_looks_like_a_success(status: bytes) -> None:
    async with Backend() as backend, Backend(answering(NOTHING % status)) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 403
            assert untouched(backend) and logged(gateway) == (403, "AD", f"auth_answered_{status[:3].decode()}")


@pytest.mark.parametrize(("answer", "status"), [(ALLOWS, 200), (DENIES, 401)])
async def test_a_request_of_head_is_asked_about_as_such(answer: bytes, status: int) -> None:
    async with Backend() as backend, Backend(answering(answer)) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET.replace(b"GET", b"HEAD") * 2)
            for _ in range(2):
                answered = await client.response(b"HEAD")
                assert (answered.status, answered.body) == (status, b"")
            assert [each.method for each in authority.requests] == [b"HEAD"] * 2
            assert len(authority.peers) == 1


async def test_an_upgrade_is_asked_about_as_a_plain_request_and_then_goes_through() -> None:
    async def echoes(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        await peer.until(b"ping")
        await peer.send(b"pong")
        await peer.to_the_end()

    upgrade = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with Backend(echoes) as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(upgrade)
            assert (await client.response()).status == 101
            await client.send(b"ping")
            await client.until(b"pong")
            [question] = authority.requests
            assert not {b"upgrade", b"connection"} & {name.lower() for name, _ in question.fields}


async def test_an_upgrade_that_is_denied_never_reaches_the_backend() -> None:
    upgrade = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with Backend() as backend, Backend(answering(DENIES)) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(upgrade)
            assert (await client.response()).status == 401
            assert untouched(backend)


# --- what the backend is told -----------------------------------------------------------------

FORGED = (
    b"GET /a HTTP/1.1\r\nHost: www.example.com\r\nX-User: root\r\nX_User: root\r\nX-Role: admin\r\nX-Other: kept\r\n"
    b"Content-Type: text/csv\r\n\r\n"
)


async def test_named_headers_come_from_the_server_alone() -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-User: ada\r\nX-User: lovelace\r\nX-Secret: 1\r\nContent-Length: 0\r\n\r\n"
    async with Backend() as backend, Backend(answering(answer)) as authority:
        asked = Asked(authority.port, copied=(b"x-user", b"x-role"))
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(FORGED)
            assert (await client.response()).status == 200
            [request] = backend.requests
            assert named(request, b"x-user") == [b"ada", b"lovelace"] and named(request, b"x_user") == []
            assert named(request, b"x-role") == [], "the server did not send it, so nobody did"
            assert named(request, b"x-other") == [b"kept"] and named(request, b"x-secret") == []


async def test_without_names_all_is_copied_that_is_not_of_the_answer_itself() -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nX-User: ada\r\nSet-Cookie: a=1\r\nX-Forwarded-User: ada\r\nContent-Type: text/html\r\n"
        b"Content-Encoding: gzip\r\nHost: evil.example.com\r\nVia: 1.1 other\r\nX-Forwarded-For: 192.0.2.9\r\n"
        b"X-Request-Id: theirs\r\nConnection: X-Hop\r\nX-Hop: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    async with Backend() as backend, Backend(answering(answer)) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(FORGED)
            assert (await client.response()).status == 200
            [request] = backend.requests
            for name, values in (
                (b"x-user", [b"ada"]),
                (b"x_user", []),
                (b"set-cookie", [b"a=1"]),
                (b"x-forwarded-user", [b"ada"]),
                (b"content-type", [b"text/csv"]),
                (b"content-encoding", []),
                (b"host", [b"www.example.com"]),
                (b"x-forwarded-for", [b"127.0.0.1"]),
                (b"x-hop", []),
                (b"transfer-encoding", []),
            ):
                assert named(request, name) == values, name
            assert named(request, b"via")[0].endswith(b"penstock") and named(request, b"x-request-id") != [b"theirs"]


async def test_it_sees_the_request_as_it_stands_at_its_place() -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port, sent=(b"x-set",))
        filters = (
            HeaderModifier("request", set=((b"x-set", b"1"),)),
            Rewrite(hostname="inner.example.com"),
            asked.filter,
            HeaderModifier("request", remove=(b"x-user",)),
        )
        async with Gateway(rule(to(backend.port), asked.beside, filters=filters)) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 200
            [question], [request] = authority.requests, backend.requests
            assert named(question, b"x-set") == [b"1"] and named(question, b"host") == [b"inner.example.com"]
            assert named(request, b"x-user") == []


PREFLIGHT = (
    b"OPTIONS /a HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example.com\r\nAccess-Control-Request-Method: PUT\r\n\r\n"
)


@pytest.mark.parametrize(("cors_first", "status", "questions"), [(True, 204, 0), (False, 401, 1)])
async def test_the_order_of_the_list_decides_whether_preflights_are_asked_about(
    cors_first: bool, status: int, questions: int
) -> None:
    async with Backend() as backend, Backend(answering(DENIES)) as authority:
        asked = Asked(authority.port)
        cors = Cors(origins=(b"https://shop.example.com",), methods=(b"*",))
        filters = (cors, asked.filter) if cors_first else (asked.filter, cors)
        async with Gateway(rule(to(backend.port), asked.beside, filters=filters)) as gateway:
            client = await gateway.client()
            await client.send(PREFLIGHT)
            assert (await client.response()).status == status
            assert len(authority.requests) == questions and untouched(backend)


async def test_a_page_may_read_why_it_was_denied() -> None:
    async with Backend() as backend, Backend(answering(DENIES)) as authority:
        asked = Asked(authority.port)
        cors = Cors(origins=(b"https://shop.example.com",))
        async with Gateway(rule(to(backend.port), asked.beside, filters=(cors, asked.filter))) as gateway:
            client = await gateway.client()
            await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example.com\r\n\r\n")
            answer = await client.response()
            assert answer.status == 401
            assert dict(answer.fields)[b"access-control-allow-origin"] == b"https://shop.example.com"


async def test_two_servers_are_asked_one_after_the_other() -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as one, Backend(answering(DENIES)) as two:
        first, second = Asked(one.port), Asked(two.port)
        rules = rule(to(backend.port, filters=(second.filter,)), first.beside, second.beside, filters=(first.filter,))
        async with Gateway(rules) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 401
            assert first.counts(gateway) == {"allowed": 1} and second.counts(gateway) == {"denied": 1}
            assert named(two.requests[0], b"authorization") == [b"Bearer x"] and untouched(backend)


async def test_a_server_behind_this_very_gateway_ends_the_loop() -> None:
    async with Backend() as backend:
        asked = Asked(0)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            here = replace(asked.upstream, endpoints=(Endpoint("127.0.0.1", gateway.port),))
            gateway.install(rule(to(backend.port), (asked.beside[0], here), filters=(asked.filter,)))
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 508
            assert untouched(backend) and asked.counts(gateway) == {"failed": 1}


async def test_the_time_of_the_server_is_not_the_gateways_own() -> None:
    async def takes_its_time(peer: Peer) -> None:
        await peer.request()
        asked_at = clock()
        await eventually(lambda: clock() - asked_at > 0.1)
        await peer.send(ALLOWS)
        await peer.to_the_end()

    async with Backend() as backend, Backend(takes_its_time) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            clock = gateway.plane._plane.clock
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 200
            record = gateway.log.records[-1]
            assert record.duration_ms >= 100 and record.overhead_ms <= record.duration_ms - 90


async def test_a_client_sees_its_requests_in_order_however_long_each_is_asked_about() -> None:
    async with Backend(answers_everything) as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(b"".join(GET.replace(b"/a%20b", b"/%d" % i) for i in range(20)))
            assert [(await client.response()).body for _ in range(20)] == [b"path=/%d" % i for i in range(20)]
            assert len(authority.peers) == 1 and len(backend.peers) == 1


async def test_timeouts_of_the_rule_that_are_not_met_change_nothing() -> None:
    async with Backend() as backend, Backend(answering(ALLOWS)) as authority:
        asked = Asked(authority.port)
        timeouts = Timeouts(request=60, backend_request=30)
        async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,), timeouts=timeouts)) as gateway:
            client = await gateway.client()
            await client.send(GET * 3)
            assert [(await client.response()).status for _ in range(3)] == [200] * 3


# --- TLS and a server that others have written ---------------------------------------------------

ROOT, FOREIGN = Authority("auth-root"), Authority("auth-foreign")


async def test_a_policy_for_the_server_is_followed() -> None:
    trust = Trust()
    async with (
        Backend() as backend,
        Backend(answering(ALLOWS), secure=server_side(ROOT.issues("auth.example"))) as authority,
    ):
        asked = Asked(target=trust.to(authority.port, authority=ROOT, name="auth.example"))
        async with SecuringGateway(trust, rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET * 2)
            assert [(await client.response()).status for _ in range(2)] == [200, 200]
            assert len(authority.peers) == 1


async def test_a_server_that_is_not_believed_is_told_nothing_and_lets_nobody_in() -> None:
    trust = Trust()
    async with (
        Backend() as backend,
        Backend(answering(ALLOWS), secure=server_side(FOREIGN.issues("auth.example"))) as authority,
    ):
        asked = Asked(target=trust.to(authority.port, authority=ROOT, name="auth.example"))
        async with SecuringGateway(trust, rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 502
            assert untouched(backend) and logged(gateway) == (502, "AF", "auth_certificate_untrusted")
            assert all(peer.received == b"" for peer in authority.peers)


async def test_a_server_made_with_aiohttp() -> None:
    async def check(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer x" or await request.text() != "body":
            return web.json_response({"error": "no"}, status=403)
        return web.Response(headers={"X-User": request.path})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", check)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with Backend() as backend:
            asked = Asked(port, prefix=b"/v1", copied=(b"x-user",), body_at_most=100)
            async with Gateway(rule(to(backend.port), asked.beside, filters=(asked.filter,))) as gateway:
                client = await gateway.client()
                post = b"POST /a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nContent-Length: 4\r\n\r\n"
                await client.send(post + b"body" + post + b"BODY")
                assert [(await client.response()).status for _ in range(2)] == [200, 403]
                [request] = backend.requests
                assert (named(request, b"x-user"), request.body) == ([b"/v1/a"], b"body")
    finally:
        await runner.cleanup()


async def test_what_is_declared_changes_while_it_runs() -> None:
    async with Backend() as backend, Backend(answering(DENIES)) as no, Backend(answering(ALLOWS)) as yes:
        strict, kind = Asked(no.port), Asked(yes.port)
        async with Gateway(rule(to(backend.port), strict.beside, filters=(strict.filter,))) as gateway:
            client = await gateway.client()
            await client.send(GET)
            assert (await client.response()).status == 401
            gateway.install(rule(to(backend.port), kind.beside, filters=(kind.filter,)))
            await client.send(GET)
            assert (await client.response()).status == 200
            gateway.install(rule(to(backend.port)))
            await client.send(GET)
            assert (await client.response()).status == 200
            assert kind.counts(gateway) == {"allowed": 1}
