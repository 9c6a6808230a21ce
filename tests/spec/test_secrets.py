"""No secret leaves the gateway: not by a log, a message, a dump, a metric or an answer of its own.

Keys are planted where keys may be, sound and broken, and credentials in requests. Then everything is asked for, at the
level of the log that tells most, and no octet of them may be in what comes.
"""

import base64
import binascii
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli.main import main
from tests.certificates import Pair, client_context, issued, pair, shows
from tests.runtime.running import HOST, PATIENCE, Backend, Gateway, backend, free_port, get, running, until
from tests.spec.certificates import bundle, secret, secret_of, terminates
from tests.spec.declared import objects
from tests.spec.site import gateway, listener, route, rule

PLANTED = "hunter2"
"""In every value that is secret and no key: whatever is around it, this must be nowhere."""
SERVER, SHOWN, CLIENT, AUTHORITY = pair("shop.example"), pair("shown"), issued(pair("clients"), "c"), pair("clients")
INSIDE = base64.b64encode(PLANTED.encode() * 9).decode()
BROKEN_KEY = f"-----BEGIN PRIVATE KEY-----\n{INSIDE}\n-----END PRIVATE KEY-----\n"
UNREADABLE = f"""
apiVersion: v1
kind: Secret
metadata: {{name: unreadable}}
stringData:
  password: {PLANTED}
  {PLANTED}: [{PLANTED}
"""
"""No YAML: its lines must not be shown with the complaint."""

MISTAKEN = f"""
---
kind: Secret
metadata: {{name: no-base64}}
type: kubernetes.io/tls
data: {{tls.crt: "%{PLANTED}%", tls.key: "%{PLANTED}%"}}
---
kind: Secret
metadata: {{name: no-text}}
stringData: {{tls.key: [{PLANTED}], tls.crt: {{a: {PLANTED}}}}}
---
kind: Secret
metadata: {{name: odd-field}}
stringdata: {{tls.key: {PLANTED}}}
---
kind: Secret
metadata: {{name: odd-type}}
stringData: {PLANTED}
"""


def markers(*pairs: Pair) -> Iterator[bytes]:
    """What would tell of a secret: planted text as it is and in base64, each line of a key, and keys within base64."""
    yield from (PLANTED.encode(), INSIDE[:24].encode())
    for each in pairs:
        yield from each.key.splitlines()[1:-1]
        yield base64.b64encode(each.key)[40:80]
        der = binascii.a2b_base64(b"".join(each.key.splitlines()[1:-1]))
        yield der[-24:].hex().encode()


MARKERS = tuple(markers(SERVER, SHOWN, CLIENT))


def configuration(folder: Path, port: int, tls_port: int, app: Backend) -> Path:
    refs = ("good", "broken", "octets", "no-base64", "no-text", "odd-field", "odd-type", "unreadable", "missing")
    tls = (
        ", tls: {backend: {clientCertificateRef: {name: shown}}, frontend: {default: {validation: {caCertificateRefs: "
        "[{group: '', kind: ConfigMap, name: clients}]}}}}"
    )
    listeners = [
        listener("http", port=port),
        listener("https", port=tls_port, protocol="HTTPS", more=terminates(*refs)),
    ]
    text = gateway(*listeners, more=tls) + route("r", rule(to="{group: penstock.dev, kind: Backend, name: app}"))
    text += secret("good", SERVER) + secret("shown", SHOWN) + bundle("clients", AUTHORITY)
    text += secret_of("broken", SERVER.chain.decode(), BROKEN_KEY) + secret_of("octets", PLANTED, PLANTED) + MISTAKEN
    text += f"""
---
kind: Backend
metadata: {{name: app}}
spec: {{endpoints: [{{host: {HOST}, port: {app.port}}}]}}
"""
    path = folder / "site.yaml"
    path.write_text("\n---\n".join(map(json.dumps, objects(text))) + "\n---" + UNREADABLE)
    return path


def check_nothing_of_it_in(what: str, said: bytes | str) -> None:
    data = said.encode() if isinstance(said, str) else said
    assert data, f"{what} said nothing, so nothing was looked at"
    assert [marker for marker in MARKERS if marker in data] == [], what


# --- the gateway, running -----------------------------------------------------------------------------

REQUESTS: Mapping[str, Mapping[str, str]] = {
    "/": {
        "Authorization": f"Bearer {PLANTED}",
        "Cookie": f"session={PLANTED}",
        "Proxy-Authorization": f"Basic {PLANTED}",
    },
    "/status=500": {"Authorization": f"Bearer {PLANTED}", "X-Api-Key": PLANTED},
}
MALFORMED = (
    b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Length: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nCookie : %s\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
    b"%s\r\n\r\n",
)
PAGES = (
    "/", "/healthz", "/readyz", "/metrics", *(f"/api/v1/{name}" for name in (
        "overview", "listeners", "routes", "backends", "status", "config", "explain?url=http://a/", "nothing")),
)  # fmt: skip


@pytest.fixture(scope="module")
def app() -> Iterator[Backend]:
    with backend() as server:
        yield server


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def site(tmp_path: Path, ports: tuple[int, int], app: Backend) -> Path:
    return configuration(tmp_path, *ports, app)


def test_a_running_gateway_tells_nothing(site: Path, ports: tuple[int, int]) -> None:
    access = site.with_suffix(".log")
    options = ("--log-level", "debug", "--access-log", str(access), "--trusted-proxies", "127.0.0.0/8")
    with running(site, *options, workers=1) as penstock:
        asked = ask_with_credentials(*ports)
        until(lambda: len(access.read_text().splitlines()) >= asked, "every request has its line")
        pages = {page: get(penstock.admin, page)[1] for page in PAGES}
        spoil(site, penstock)
    for page, body in pages.items():
        check_nothing_of_it_in(page, body)
    check_nothing_of_it_in("the access log", access.read_bytes())
    check_nothing_of_it_in("the log", penstock.said())


def ask_with_credentials(port: int, tls_port: int) -> int:
    """The number of requests that have a line in the access log."""
    for path, fields in REQUESTS.items():
        get(port, path, **fields)
    for octets in MALFORMED:
        check_nothing_of_it_in("the answer to a malformed request", raw(port, octets % PLANTED.encode()))
    context = shows(client_context(SERVER), CLIENT)
    check_nothing_of_it_in(
        "an answer over TLS", raw(tls_port, b"GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n", context)
    )
    return len(REQUESTS) + 1


def raw(port: int, octets: bytes, context: ssl.SSLContext | None = None) -> bytes:
    """What comes until the gateway closes."""
    sock = socket.create_connection((HOST, port), timeout=PATIENCE)
    with sock if context is None else context.wrap_socket(sock, server_hostname="shop.example") as client:
        client.sendall(octets)
        answer = b""
        while piece := client.recv(1 << 16):
            answer += piece
        return answer


def spoil(site: Path, penstock: Gateway) -> None:
    """A good Secret turns bad while it is served."""
    good, broken = (encoded(SERVER.chain, key) for key in (SERVER.key, BROKEN_KEY.encode()))
    text = site.read_text()
    assert good in text
    site.write_text(text.replace(good, broken))
    until(lambda: "its last good certificate is still served" in penstock.said(), "the edit is read")


def encoded(chain: bytes, key: bytes) -> str:
    parts = {"tls.crt": chain, "tls.key": key}
    return json.dumps({part: base64.b64encode(octets).decode() for part, octets in parts.items()})


# --- commands that look and do not serve ----------------------------------------------------------------

COMMANDS = {
    "check": ["check"],
    "check --status": ["check", "--status"],
    "check as JSON": ["check", "--format", "json", "--status"],
    "check for GitHub": ["check", "--format", "github"],
    "routes": ["routes"],
    "routes as JSON": ["routes", "--json"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_tells_nothing(command: str, site: Path) -> None:
    name, *options = COMMANDS[command]
    done = CliRunner().invoke(main, [name, str(site), *options])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    check_nothing_of_it_in(command, done.output)


def test_every_planted_mistake_is_told_all_the_same(site: Path) -> None:
    """Else the tests above would have nothing to find."""
    said = CliRunner().invoke(main, ["check", str(site)]).output
    for name in ("no-base64", "no-text", "odd-field", "odd-type"):
        assert f"error[Secret/default/{name}]" in said
    for name in ("broken", "octets", "unreadable", "missing"):
        assert f"Secret default/{name}" in said
    assert "malformed YAML" in said


def test_explain_tells_nothing_of_keys(site: Path, ports: tuple[int, int]) -> None:
    for options in ((), ("--json",)):
        for url in (f"http://a:{ports[0]}/x", f"https://shop.example:{ports[1]}/"):
            done = CliRunner().invoke(main, ["explain", str(site), url, *options])
            check_nothing_of_it_in("explain", done.output)


def test_the_markers_are_found_where_secrets_are(site: Path) -> None:
    """In the configuration itself nearly all of them are, so they are the right ones."""
    text = site.read_bytes()
    assert PLANTED.encode() in text
    assert all(base64.b64encode(each.key)[40:80] in text for each in (SERVER, SHOWN))
