"""Client certificates as a user runs it: files, processes, authorities that change, and a mode that lets all in."""

import json
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

from tests.certificates import Pair, issued, pair, shows
from tests.runtime.running import HOST, backend, document, free_port, route, running, service, until
from tests.runtime.test_https import context, secret

SERVER, OURS, OTHER = pair("one.example"), pair("our ca"), pair("another ca")
ALICE, MALLORY = issued(OURS, "alice"), issued(OTHER, "mallory")


def edge(port: int, mode: str) -> str:
    listener = {"name": "https", "protocol": "HTTPS", "port": port, "tls": {"certificateRefs": [{"name": "cert"}]}}
    refs = [{"group": "", "kind": "ConfigMap", "name": "ca"}]
    frontend = {"default": {"validation": {"caCertificateRefs": refs, "mode": mode}}}
    spec = {"gatewayClassName": "penstock", "listeners": [listener], "tls": {"frontend": frontend}}
    return document("gateway.networking.k8s.io/v1", "Gateway", "edge", spec)


def config_map(authority: Pair) -> str:
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}}
    return json.dumps({**body, "data": {"ca.crt": authority.chain.decode()}})


def status(port: int, *shown: Pair) -> int:
    """0 when there is no answer."""
    asking = shows(context(SERVER), *shown) if shown else context(SERVER)
    connection = HTTPSConnection(HOST, port, context=asking, timeout=20)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


def test_authorities_and_modes_are_followed(tmp_path: Path) -> None:
    port = free_port()
    with backend() as app:
        site = tmp_path / "site"
        site.mkdir()
        (site / "gateway.yaml").write_text(edge(port, "AllowValidOnly") + service(app.port) + route())
        (site / "secret.yaml").write_text(secret(SERVER))
        (site / "ca.yaml").write_text(config_map(OURS))
        with running(site, workers=2) as penstock:
            until(lambda: status(port, ALICE) == 200, "it serves")
            assert (status(port, MALLORY), status(port)) == (0, 0)
            kept = HTTPSConnection(HOST, port, context=shows(context(SERVER), ALICE), timeout=20)
            kept.request("GET", "/")
            assert kept.getresponse().read()
            (site / "ca.yaml").write_text(config_map(OTHER))
            until(lambda: status(port, MALLORY) == 200, "the new authority is asked")
            until(lambda: status(port, ALICE) == 0, "the old one is not")
            assert kept.sock is not None
            assert kept.sock.recv(1) == b""  # who was let in by the old one is no more
            kept.close()
            (site / "gateway.yaml").write_text(edge(port, "AllowInsecureFallback") + service(app.port) + route())
            until(lambda: status(port) == 200, "everybody is let in")
            until(lambda: "AllowInsecureFallback lets in" in penstock.said(), "and that is reported")
            assert status(port, ALICE) == 200
            counted = penstock.samples("penstock_tls_handshakes_total")
            listener = "default/edge/https"
            assert {result for at, result in counted if at == listener} >= {
                "ok", "client_certificate_missing", "client_certificate_untrusted",
            }  # fmt: skip
            tolerated = penstock.samples("penstock_tls_insecure_fallbacks_total")
            assert tolerated[listener, "client_certificate_untrusted"] >= 1
