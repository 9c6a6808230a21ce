"""penstock run with backends known by DNS name: a real process, a real name server."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.nameserver import NameServer
from tests.runtime.running import Backend, Gateway, backend, document, free_port, gateway, get, running, until

HERE = ("--allow-external-ranges", "127.0.0.1/32")
XBACKENDS = "gateway.networking.x-k8s.io"


@pytest.fixture(scope="module")
def app() -> Iterator[Backend]:
    with backend() as server:
        yield server


@pytest.fixture
def server() -> Iterator[NameServer]:
    with serving() as server:
        yield server


@contextmanager
def serving() -> Iterator[NameServer]:
    """A name server with a loop of its own."""
    server, ready, over = NameServer(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with server:
            loop.append(asyncio.get_running_loop())
            ready.set()
            await over.wait()

    loop: list[asyncio.AbstractEventLoop] = []
    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop[0].call_soon_threadsafe(over.set)
        thread.join()


def xbackend(host: str, port: int) -> str:
    spec = {"type": "ExternalHostname", "externalHostname": {"hostname": host}, "port": {"port": port}}
    return document(f"{XBACKENDS}/v1alpha1", "XBackend", "api", spec)


def route(ref: dict[str, Any]) -> str:
    spec = {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [ref]}]}
    return document("gateway.networking.k8s.io/v1", "HTTPRoute", "all", spec)


TO_XBACKEND = route({"group": XBACKENDS, "kind": "XBackend", "name": "api"})


@contextmanager
def site(
    folder: Path, server: NameServer, port: int, *documents: str, options: tuple[str, ...] = ()
) -> Iterator[Gateway]:
    file = folder / "gateway.yaml"
    file.write_text("".join((gateway(port), *documents)))
    with running(file, "--dns-servers", server.address, "--workers", "2", *options) as penstock:
        yield penstock


def shown(penstock: Gateway) -> Any:
    [one] = penstock.json("/api/v1/backends")
    [name] = one["names"]
    return name["resolved"]


def test_an_xbackend_is_served_and_shown(app: Backend, server: NameServer, tmp_path: Path) -> None:
    server.addresses["api.test"] = 300, ["127.0.0.1", "169.254.169.254"]
    port = free_port()
    with site(tmp_path, server, port, xbackend("api.test", app.port), TO_XBACKEND, options=HERE) as penstock:
        assert [get(port, "/")[0].status for _ in range(10)] == [200] * 10
        assert server.questions("api.test") == 2
        found = shown(penstock)
        assert (found["state"], found["addresses"]) == ("fresh", ["127.0.0.1"])
        assert found["forbidden"] == ["169.254.169.254 is link-local"]
        assert 0 < found["fresh_for_seconds"] <= 300
        told = penstock.json(f"/api/v1/explain?url=http://127.0.0.1:{port}/")
        [name] = told["backends"][0]["names"]
        assert (name["name"], name["resolved"]["addresses"]) == (f"api.test:{app.port}", ["127.0.0.1"])
        assert penstock.samples("penstock_dns_lookups_total") == {("ok",): 1}
        assert penstock.samples("penstock_dns_names")["fresh",] == 1
        assert penstock.total("penstock_dns_forbidden_addresses_total") == 1
        assert penstock.samples("penstock_endpoint_up") == {("default/xbackend/api", f"127.0.0.1:{app.port}"): 1}


def test_a_worker_that_comes_later_knows_what_the_others_know(app: Backend, server: NameServer, tmp_path: Path) -> None:
    server.addresses["api.test"] = 300, ["127.0.0.1"]
    port = free_port()
    with site(tmp_path, server, port, xbackend("api.test", app.port), TO_XBACKEND, options=HERE) as penstock:
        get(port, "/")
        before = set(penstock.workers().values())
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: before.isdisjoint(penstock.workers().values()), "both workers are replaced")
        until(penstock.generation, "both have the configuration")
        assert [get(port, "/")[0].status for _ in range(6)] == [200] * 6
        assert server.questions("api.test") == 2


def test_nothing_is_sent_to_what_is_forbidden(app: Backend, server: NameServer, tmp_path: Path) -> None:
    """The same without the option: a name outside leads to our own loopback."""
    server.addresses["api.test"] = 300, ["127.0.0.1"]
    port, log = free_port(), tmp_path / "access.log"
    options = ("--access-log", str(log))
    with site(tmp_path, server, port, xbackend("api.test", app.port), TO_XBACKEND, options=options) as penstock:
        assert get(port, "/")[0].status == 503
        found = shown(penstock)
        assert (found["state"], found["reason"], found["addresses"]) == ("failed", "forbidden_address", [])
        until(lambda: '"flags":"DNS","reason":"forbidden_address"' in log.read_text(), "the line is written")
        assert "api.test leads to 127.0.0.1, which is loopback: nothing is sent there" in penstock.said()


def test_an_external_name_is_followed_only_where_that_is_allowed(
    app: Backend, server: NameServer, tmp_path: Path
) -> None:
    server.aliases["www.test"] = 300, "edge.test"
    server.addresses["edge.test"] = 300, ["127.0.0.1"]
    service = document("v1", "Service", "www", {"type": "ExternalName", "externalName": "www.test."})
    to_service = route({"name": "www", "port": app.port})
    for allowed, status in (((), 500), (("--allow-external-name",), 200)):
        port = free_port()
        with site(tmp_path, server, port, service, to_service, options=(*HERE, *allowed)):
            assert get(port, "/")[0].status == status
        assert bool(server.asked) == bool(allowed)


def test_a_backend_of_our_own_leads_where_the_machine_does(app: Backend, server: NameServer, tmp_path: Path) -> None:
    own = document("penstock.dev/v1alpha1", "Backend", "app", {"endpoints": [{"host": "localhost", "port": app.port}]})
    port = free_port()
    with site(tmp_path, server, port, own, route({"group": "penstock.dev", "kind": "Backend", "name": "app"})):
        assert get(port, "/")[0].status == 200
    assert not server.asked


def test_without_names_nothing_is_counted(app: Backend, server: NameServer, tmp_path: Path) -> None:
    own = document("penstock.dev/v1alpha1", "Backend", "app", {"endpoints": [{"host": "127.0.0.1", "port": app.port}]})
    port = free_port()
    with site(tmp_path, server, port, own, route({"group": "penstock.dev", "kind": "Backend", "name": "app"})) as it:
        assert get(port, "/")[0].status == 200
        assert b"penstock_dns_" not in get(it.admin, "/metrics")[1]
