"""HTTPS as a user runs it: files, processes, renewal, the admin address, and no word of a key anywhere."""

import json
import os
import signal
import ssl
import threading
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

from proxy.admin.server import JSON
from tests.certificates import Pair, client_context, pair
from tests.runtime.running import HOST, Gateway, backend, document, free_port, route, running, service, until

PAGES = [f"/api/v1/{name}" for name in JSON]
ADMIN_PAGES = ["/", "/healthz", "/readyz", "/metrics", *PAGES, "/api/v1/explain?url=https://one.example/"]


def secret(data: Pair) -> str:
    values = {"tls.crt": data.chain.decode(), "tls.key": data.key.decode()}
    meta = {"name": "cert"}
    return "---\n" + json.dumps(
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": meta, "stringData": values}
    )


def edge(port: int) -> str:
    listener = {"name": "https", "protocol": "HTTPS", "port": port, "tls": {"certificateRefs": [{"name": "cert"}]}}
    spec = {"gatewayClassName": "penstock", "listeners": [listener]}
    return document("gateway.networking.k8s.io/v1", "Gateway", "edge", spec)


def context(data: Pair) -> ssl.SSLContext:
    made = client_context(data)
    made.check_hostname = False
    return made


def get(port: int, data: Pair) -> int:
    connection = HTTPSConnection(HOST, port, context=context(data), timeout=20)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def trusts(port: int, data: Pair) -> bool:
    try:
        return get(port, data) == 200
    except ssl.SSLCertVerificationError:
        return False


def test_a_certificate_is_renewed_by_replacing_its_file(tmp_path: Path) -> None:
    old, new = pair("one.example"), pair("one.example", number=1)
    port = free_port()
    with backend() as app:
        site = tmp_path / "site"
        site.mkdir()
        (site / "gateway.yaml").write_text(edge(port) + service(app.port) + route())
        (site / "secret.yaml").write_text(secret(old))
        with running(site, workers=2) as penstock:
            kept = HTTPSConnection(HOST, port, context=context(old), timeout=20)
            kept.request("GET", "/")
            assert kept.getresponse().read()
            (site / "secret.yaml").write_text(secret(new))
            until(lambda: trusts(port, new), "the new certificate is served")
            kept.request("GET", "/")
            assert kept.getresponse().status == 200
            kept.close()
            (site / "secret.yaml").write_text(secret(Pair(old.chain, new.key)))
            until(lambda: "is not the key of the first certificate" in penstock.said(), "the bad pair is reported")
            assert get(port, new) == 200
            ends = penstock.samples("penstock_tls_certificate_not_after_timestamp_seconds")
            assert ends == {("default/edge/https", "one.example"): new.certificate.not_after}


def page(penstock: Gateway, path: str) -> str:
    connection = HTTPConnection(HOST, penstock.admin, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_keys_are_nowhere_to_be_read(tmp_path: Path) -> None:
    data = pair("one.example")
    lines = [line for line in data.key.decode().splitlines() if not line.startswith("-")]
    port = free_port()
    with backend() as app:
        file = tmp_path / "gateway.yaml"
        file.write_text(edge(port) + service(app.port) + route() + secret(data))
        with running(file, "--log-level", "debug", workers=1) as penstock:
            assert get(port, data) == 200
            told = [page(penstock, path) for path in ADMIN_PAGES]
            file.write_text(edge(port) + service(app.port) + route() + secret(Pair(data.chain, data.key[:-40])))
            until(lambda: "tls.key of Secret default/cert" in penstock.said(), "the bad key is reported")
            told += [page(penstock, path) for path in ADMIN_PAGES]
            said = penstock.said()
        told.append(said + penstock.said())
    assert any("one.example" in text for text in told)
    for text in told:
        assert "PRIVATE KEY" not in text
        assert not any(line in text for line in lines)


def test_a_killed_worker_costs_only_its_own_connections(tmp_path: Path) -> None:
    data = pair("one.example")
    port = free_port()
    with backend() as app:
        file = tmp_path / "gateway.yaml"
        file.write_text(edge(port) + service(app.port) + route() + secret(data))
        with running(file, workers=1) as penstock:
            assert get(port, data) == 200
            [worker] = penstock.workers().values()
            os.kill(worker, signal.SIGKILL)
            until(lambda: {*penstock.workers().values()} - {worker}, "another worker")
            assert get(port, data) == 200


def test_a_stop_lets_a_request_over_tls_end(tmp_path: Path) -> None:
    data = pair("one.example")
    port = free_port()
    answers: list[bytes] = []

    def slow() -> None:
        connection = HTTPSConnection(HOST, port, context=context(data), timeout=60)
        connection.request("GET", "/slow")
        answers.append(connection.getresponse().read())
        connection.close()

    with backend() as app:
        file = tmp_path / "gateway.yaml"
        file.write_text(edge(port) + service(app.port) + route() + secret(data))
        with running(file, workers=1) as penstock:
            asking = threading.Thread(target=slow)
            asking.start()
            app.arrived.wait(20)
            penstock.signal(signal.SIGTERM)
            until(lambda: "stopping" in penstock.said(), "it stops")
            app.released.set()
            asking.join()
    assert answers == [b"hello from the backend"]
