"""KubernetesClient over real sockets: refusals, credentials, TLS, and watches cut anywhere."""

import asyncio
import json
import ssl
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from proxy import __version__
from proxy.sources.kubernetes.access import Access
from proxy.sources.kubernetes.client import ApiError, KubernetesClient, Unreachable
from proxy.sources.kubernetes.credentials import Credential, Fixed, FromFiles
from proxy.sources.kubernetes.lines import LineSplitter
from proxy.sources.kubernetes.tls import Trust
from tests.patience import eventually
from tests.sources.kubernetes.api_server import ApiServer, api_server, status
from tests.sources.kubernetes.following import access_to
from tests.sources.kubernetes.objects import route

TLS = Path(__file__).parent / "tls"
ROUTES = "/apis/gateway.networking.k8s.io/v1/httproutes"


async def asked(access: Access, path: str = "/api/v1") -> dict[str, Any]:
    client = KubernetesClient(access)
    try:
        return await client.get(path)
    finally:
        await client.close()


async def test_requests_say_who_asks_and_carry_what_is_sent() -> None:
    async with api_server() as server:
        seen: list[tuple[str, str, bytes]] = []

        async def answer(request: web.Request) -> web.Response:
            seen.append((request.method, request.headers["Content-Type"], await request.read()))
            assert request.headers["User-Agent"] == f"penstock/{__version__}"
            assert request.headers["Authorization"] == "Bearer s3cret"
            assert request.query["fieldManager"] == "penstock"
            return web.json_response({"kind": "Done"})

        server.refuse = answer
        client = KubernetesClient(access_to(server, "s3cret"))
        done = await client.request(
            "PATCH",
            "/x",
            {"a": 1},
            content_type="application/merge-patch+json",
            params={"fieldManager": "penstock"},
        )
        await client.close()
        assert done == {"kind": "Done"}
        assert seen == [("PATCH", "application/merge-patch+json", b'{"a":1}')]


async def test_one_connection_serves_many_requests() -> None:
    async with api_server() as server:
        client = KubernetesClient(access_to(server))
        ports = set()

        async def note(request: web.Request) -> None:
            ports.add(request.get_extra_info("peername")[1])

        server.refuse = note
        for _ in range(5):
            await client.get("/api/v1")
        await client.close()
        assert len(ports) == 1


async def test_a_refusal_is_told_as_the_api_server_tells_it() -> None:
    async with api_server() as server:

        async def refuse(request: web.Request) -> web.Response:
            return status(409, "Conflict", "the object has been modified", **{"Retry-After": "7"})

        server.refuse = refuse
        with pytest.raises(ApiError) as caught:
            await asked(access_to(server))
        error = caught.value
        assert (error.status, error.reason, error.message) == (409, "Conflict", "the object has been modified")
        assert error.retry_after == 7.0


async def test_a_refusal_that_is_no_status_object_is_one_all_the_same() -> None:
    async with api_server() as server:

        async def refuse(request: web.Request) -> web.Response:
            return web.Response(status=502, text="<html>bad gateway")

        server.refuse = refuse
        with pytest.raises(ApiError, match="502 Bad Gateway: <html>bad gateway"):
            await asked(access_to(server))


@pytest.mark.parametrize("body", [b"[]", b"hello", b"\xff"])
async def test_what_is_no_object_is_no_answer(body: bytes) -> None:
    async with api_server() as server:

        async def answer(request: web.Request) -> web.Response:
            return web.Response(body=body)

        server.refuse = answer
        with pytest.raises(Unreachable):
            await asked(access_to(server))


async def test_too_many_requests_are_sent_again_when_the_api_server_says() -> None:
    async with api_server() as server:

        async def answer(request: web.Request) -> web.Response | None:
            again = len(server.requests) < 3
            return status(429, "TooManyRequests", "slow down", **{"Retry-After": "0"}) if again else None

        server.refuse = answer
        server.resources[("", "v1", "services")] = ("Service", True)
        waited: list[float] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("proxy.sources.kubernetes.client.asyncio.sleep", waiting(waited))
            assert (await asked(access_to(server)))["kind"] == "APIResourceList"
        assert waited == [1.0, 1.0]


def waiting(waited: list[float]) -> Any:
    sleep = asyncio.sleep

    async def wait(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    return wait


async def test_redirects_are_not_followed_with_a_token() -> None:
    async with api_server() as server:

        async def answer(request: web.Request) -> web.Response:
            raise web.HTTPFound("http://elsewhere.example/")

        server.refuse = answer
        with pytest.raises(Unreachable):
            await asked(access_to(server, "s3cret"))
        assert len(server.requests) == 1


async def test_nobody_at_home_is_unreachable(unused_tcp_port: int) -> None:
    server = ApiServer()
    server.port = unused_tcp_port
    with pytest.raises(Unreachable, match="Connection refused"):
        await asked(access_to(server))


async def test_a_rotated_token_file_is_read_again(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    async with api_server() as server:
        server.tokens = {"old"}
        client = KubernetesClient(Access(server.url, FromFiles(str(token)), Trust()))
        await client.get("/api/v1")
        server.tokens = {"new-one"}
        token.write_text("new-one\n")
        await client.get("/api/v1")
        server.tokens = {"another"}
        with pytest.raises(ApiError, match="401 Unauthorized"):
            await client.get("/api/v1")
        token.unlink()  # while it is being replaced, the last one is tried
        with pytest.raises(ApiError, match="401 Unauthorized"):
            await client.get("/api/v1")
        await client.close()


# --- TLS ------------------------------------------------------------------------------------------


def server_context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=TLS / "ca.crt")
    context.load_cert_chain(TLS / "server.crt", TLS / "server.key")
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


async def test_an_api_server_is_believed_by_its_authority_and_name() -> None:
    server = ApiServer()
    await server.start(server_context())
    url = server.url.replace("http:", "https:")
    certificate = Credential("", (TLS / "client.crt").read_text(), (TLS / "client.key").read_text())
    trust = Trust(str(TLS / "ca.crt"))
    shown: list[Any] = []

    async def note(request: web.Request) -> None:
        shown.append(request.get_extra_info("peercert"))

    server.refuse = note
    try:
        await asked(Access(url, Fixed(certificate), trust, "api.example"))
        assert shown[0]["subject"] == ((("commonName", "client"),),)
        await asked(Access(url, Fixed(Credential()), Trust(insecure=True)))
        with pytest.raises(Unreachable, match=r"its certificate is not believed: .*127\.0\.0\.1"):
            await asked(Access(url, Fixed(Credential()), trust))
        with pytest.raises(Unreachable, match="its certificate is not believed"):
            await asked(Access(url, Fixed(Credential()), Trust(), "api.example"))
        with pytest.raises(Unreachable, match="TLS cannot be set up"):
            await asked(Access(url, Fixed(Credential("", "no", "pem")), Trust(str(TLS / "ca.crt")), "api.example"))
    finally:
        await server.stop()


def test_another_context_is_made_when_authorities_or_certificates_change(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text((TLS / "ca.crt").read_text())
    trust = Trust(str(file))
    first = trust.context(Credential())
    assert trust.context(Credential()) is first
    shown = Credential("", (TLS / "client.crt").read_text(), (TLS / "client.key").read_text())
    second = trust.context(shown)
    assert second is not first
    file.write_text("half a fi")
    assert trust.context(shown) is second


# --- watches --------------------------------------------------------------------------------------


async def watched(client: KubernetesClient, count: int) -> list[str]:
    names = []
    async with aclosing(client.watch(ROUTES, {"resourceVersion": "0", "timeoutSeconds": "30"})) as events:
        async for event in events:
            names.append(f"{event['type']} {event['object']['metadata'].get('name')}")
            if len(names) == count:
                break
    return names


async def test_events_come_as_they_happen() -> None:
    async with api_server() as server:
        client = KubernetesClient(access_to(server))
        server.apply(route("a"))
        watching = asyncio.create_task(watched(client, 3))
        await eventually(lambda: server.watchers)
        server.apply(route("a", "/b"))
        server.delete("gateway.networking.k8s.io", "HTTPRoute", "a")
        assert await watching == ["ADDED a", "MODIFIED a", "DELETED a"]
        await client.close()
        await eventually(lambda: not server.watchers)


async def test_a_watch_ends_with_the_error_that_the_api_server_names() -> None:
    async with api_server() as server:
        server.compact()
        client = KubernetesClient(access_to(server))
        with pytest.raises(ApiError) as caught:
            await watched(client, 1)
        assert caught.value.status == 410
        await client.close()


async def test_a_watch_that_is_silent_for_too_long_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.sources.kubernetes.client.WATCH_GRACE", 0.01)
    async with api_server() as server:
        client = KubernetesClient(access_to(server))
        with pytest.raises(Unreachable, match="no answer in time"):
            async for _ in client.watch(ROUTES, {"resourceVersion": str(server.version), "timeoutSeconds": "0"}):
                pass
        await client.close()


def test_lines_are_whole_wherever_chunks_end() -> None:
    text = b'{"a": 1}\n\n{"b": 2}\r\n{"c"'
    for size in range(1, len(text) + 1):
        splitter = LineSplitter()
        chunks = [text[at : at + size] for at in range(0, len(text), size)]
        lines = [json.loads(line) for chunk in chunks for line in splitter.feed(chunk)]
        assert lines == [{"a": 1}, {"b": 2}]


def test_a_line_without_an_end_does_not_fill_memory() -> None:
    splitter = LineSplitter(longest=100)
    with pytest.raises(Unreachable, match="more than 100 octets"):
        for _ in range(11):
            list(splitter.feed(b"x" * 10))
