"""Session persistence as a user runs it: several workers, a restart, a second replica, and no word of a key."""

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from proxy.admin.server import JSON
from tests.runtime.running import HOST, Gateway, answering, document, free_port, gateway, get, running

ENDPOINTS = 3


def named() -> AbstractContextManager[int]:
    """The port of a backend that answers with it."""
    return answering(lambda asked: str(asked.server.server_address[1]))


def site(port: int, *endpoints: int) -> str:
    refs = [{"group": "penstock.dev", "kind": "Backend", "name": "app"}]
    rule = {"sessionPersistence": {"cookie": {"name": "c"}, "absoluteTimeout": "1h"}, "backendRefs": refs}
    spec = {"parentRefs": [{"name": "edge"}], "rules": [rule]}
    app = {"endpoints": [{"host": HOST, "port": each} for each in endpoints]}
    return (
        gateway(port)
        + document("gateway.networking.k8s.io/v1", "HTTPRoute", "all", spec)
        + document("penstock.dev/v1alpha1", "Backend", "app", app)
    )


def begin(port: int) -> tuple[bytes, str]:
    """(the endpoint, the cookie) of a new session."""
    response, body = get(port, "/")
    cookie = response.getheader("Set-Cookie")
    assert cookie is not None
    return body, cookie.partition(";")[0]


def comes_back(port: int, home: bytes, cookie: str, times: int = 40) -> bool:
    """Each time on a connection of its own, so that every worker is asked."""
    for _ in range(times):
        response, body = get(port, "/", Cookie=cookie)
        if body != home or response.getheader("Set-Cookie") is not None:
            return False
    return True


def test_every_worker_a_restart_and_a_replica_understand_a_token(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a key that all replicas have")
    ports = [free_port(), free_port()]
    with ExitStack() as stack:
        endpoints = [stack.enter_context(named()) for _ in range(ENDPOINTS)]
        for name, port in zip(("one", "two"), ports, strict=True):
            (tmp_path / name).mkdir()
            (tmp_path / name / "site.yaml").write_text(site(port, *endpoints))
        with running(tmp_path / "one", "--session-key", str(key), workers=2) as penstock:
            sessions = [begin(ports[0]) for _ in range(6)]
            assert len({home for home, _ in sessions}) == ENDPOINTS
            assert all(comes_back(ports[0], *session) for session in sessions)
            assert penstock.samples("penstock_session_persistence_total")["default/app", "kept"] == 6 * 40
            assert_nothing_is_told(penstock, sessions)
        with running(tmp_path / "one", "--session-key", str(key), workers=1):
            assert all(comes_back(ports[0], *session, times=5) for session in sessions)
        with running(tmp_path / "two", "--session-key", str(key), workers=1):
            assert all(comes_back(ports[1], *session, times=5) for session in sessions)
        key.write_text("another key, which nobody has")
        with running(tmp_path / "two", "--session-key", str(key), workers=1):
            response, _ = get(ports[1], "/", Cookie=sessions[0][1])
            assert response.getheader("Set-Cookie") is not None


def assert_nothing_is_told(penstock: Gateway, sessions: list[tuple[bytes, str]]) -> None:
    """What is served is shown; what tokens are made of is not."""
    pages = [get(penstock.admin, f"/api/v1/{name}")[1].decode() for name in JSON]
    text = "".join([*pages, get(penstock.admin, "/metrics")[1].decode(), penstock.said()])
    for _, cookie in sessions:
        assert cookie.partition("=")[2][8:24] not in text
    assert '"sessionPersistence"' in text and "a key that" not in text
