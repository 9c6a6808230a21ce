"""Filters that lead elsewhere, as a user runs them: files that change while it serves."""

from pathlib import Path
from typing import Any

from tests.runtime.running import HOST, backend, document, free_port, gateway, get, running, service, until

OWN = "penstock.dev/v1alpha1"


def route(*filters: dict[str, Any]) -> str:
    refs = [{"group": "penstock.dev", "kind": "Backend", "name": "app"}]
    spec = {"parentRefs": [{"name": "edge"}], "rules": [{"filters": list(filters), "backendRefs": refs}]}
    return document("gateway.networking.k8s.io/v1", "HTTPRoute", "all", spec)


def answer(port: int, path: str = "/") -> tuple[int, bytes]:
    response, body = get(port, path)
    return response.status, body


def test_an_extension_is_followed(tmp_path: Path) -> None:
    """Missing, there, unreadable while the last good one serves, another, and gone again."""
    port = free_port()
    closed = {
        "type": "ExtensionRef",
        "extensionRef": {"group": "penstock.dev", "kind": "DirectResponse", "name": "closed"},
    }
    with backend() as app:
        site = tmp_path / "site"
        site.mkdir()
        (site / "site.yaml").write_text(gateway(port) + service(app.port) + route(closed))
        with running(site) as penstock:
            assert answer(port) == (500, b"500 Internal Server Error\n")
            there = site / "closed.yaml"
            there.write_text(document(OWN, "DirectResponse", "closed", {"status": 503, "body": "closed"}))
            until(lambda: answer(port) == (503, b"closed"), "it is there")
            there.write_text(document(OWN, "DirectResponse", "closed", {"status": 999}))
            until(lambda: penstock.total("penstock_config_last_reload_successful") == 0, "it is refused")
            assert answer(port) == (503, b"closed")
            there.write_text(document(OWN, "DirectResponse", "closed", {"status": 200, "body": "open"}))
            until(lambda: answer(port) == (200, b"open"), "it is another")
            there.unlink()
            until(lambda: answer(port)[0] == 500, "it is gone")
            (site / "site.yaml").write_text(gateway(port) + service(app.port) + route())
            until(lambda: answer(port) == (200, b"hello from the backend"), "the filter is gone")


def test_an_authorization_server_is_followed(tmp_path: Path) -> None:
    """The test's backend answers /status=401 with 401, and everything else with 200."""
    port = free_port()
    auth = {
        "type": "ExternalAuth",
        "externalAuth": {
            "protocol": "HTTP",
            "backendRef": {"group": "penstock.dev", "kind": "Backend", "name": "sso"},
            "http": {},
        },
    }
    with backend() as app, backend() as sso:
        site = tmp_path / "site"
        site.mkdir()
        (site / "site.yaml").write_text(gateway(port) + service(app.port) + route(auth))
        with running(site) as penstock:
            assert answer(port)[0] == 500
            (site / "sso.yaml").write_text(service(sso.port, "sso"))
            until(lambda: answer(port) == (200, b"hello from the backend"), "it can be asked")
            assert answer(port, "/status=401")[0] == 401
            until(lambda: penstock.total("penstock_external_auth_requests_total") >= 2, "it is counted")
            counted = penstock.samples("penstock_external_auth_requests_total")
            assert counted["default/sso", "denied"] == 1 and counted["default/sso", "allowed"] >= 1
            (site / "sso.yaml").write_text(service(free_port(), "sso"))
            until(lambda: answer(port)[0] == 503, "nobody is there any more")
            told = penstock.json(f"/api/v1/explain?url=http://{HOST}:{port}/a")
            [asked] = told["filters"]
            assert (asked["backend"], asked["if_not_200"]) == ("default/sso", "its answer is the client's")
