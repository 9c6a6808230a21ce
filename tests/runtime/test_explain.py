"""What a running gateway explains is what the command line explains, and what it does."""

from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

from proxy.cli.explain import explain
from proxy.runtime.settings import Settings
from proxy.snapshot.question import Asked
from tests.runtime.running import HOST, PATIENCE, Gateway, backend, free_port, gateway, route, running, service, until

SECRET = "Bearer hunter2"


def asked_of(penstock: Gateway, url: str, *headers: str) -> dict[str, Any]:
    more = "".join(f"&header={quote(header)}" for header in headers)
    told: dict[str, Any] = penstock.json(f"/api/v1/explain?url={quote(url)}{more}")
    return told


def test_a_running_gateway_and_the_command_line_say_the_same(tmp_path: Path) -> None:
    port = free_port()
    site = tmp_path / "site.yaml"
    with backend() as app:
        site.write_text(gateway(80) + service(app.port) + route("/shop", "shop"))
        with running(site, "--map-port", f"80={port}", "--trusted-proxies", "127.0.0.0/8") as penstock:
            settings = Settings((str(site),), address=HOST, port_map={80: port}, trusted_proxies=("127.0.0.0/8",))
            for path in ("/shop/a?b=c", "/shopping", "/%zz"):
                url = f"http://{HOST}:{port}{path}"
                told = asked_of(penstock, url, f"Authorization: {SECRET}", "X-Forwarded-For: 192.0.2.9")
                serving = told.pop("serving")
                headers = (("Authorization", SECRET), ("X-Forwarded-For", "192.0.2.9"))
                assert told == explain([str(site)], Asked("GET", url, headers), None, settings)
                assert (serving["generation"], serving["workers"]) == (1, {"0": 1, "1": 1})
                assert told["note"] == f"bound to port {port}"
                assert _status(port, path) == (told["outcomes"][0]["status"] or 200)
            assert SECRET not in penstock.said()


def _status(port: int, path: str) -> int:
    connection = HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_generation_that_is_explained_is_the_one_that_serves(tmp_path: Path) -> None:
    port = free_port()
    site = tmp_path / "site.yaml"
    with backend() as app:
        site.write_text(gateway(port) + service(app.port) + route("/old"))
        with running(site) as penstock:
            url = f"http://{HOST}:{port}/new"
            assert asked_of(penstock, url)["winner"] is None
            site.write_text(gateway(port) + service(app.port) + route("/new"))
            until(lambda: penstock.generation() == 2, "the second generation")
            told = until(lambda: (data := asked_of(penstock, url))["winner"] and data, "the new rule")
            assert told["serving"] == {"generation": 2, "workers": {"0": 2, "1": 2}, "bound": True}
