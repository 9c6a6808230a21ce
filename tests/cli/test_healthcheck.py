"""penstock healthcheck."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from proxy.cli.healthcheck import command
from tests.runtime.running import HOST, free_port


class Handler(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        ready = self.path == "/readyz" and self.headers["Host"] == "localhost"
        self.send_response(self.status if ready else 400)
        self.end_headers()
        self.wfile.write(b'{"draining": true}')

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def admin() -> Iterator[str]:
    with HTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"{HOST}:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_ready_is_zero_and_all_else_is_one(admin: str, monkeypatch, status: int, code: int) -> None:
    monkeypatch.setattr(Handler, "status", status)
    done = CliRunner().invoke(command, ["--admin", admin])
    assert done.exit_code == code
    assert ("draining" in done.output) == bool(code)


def test_nobody_there_is_one_and_says_so() -> None:
    done = CliRunner().invoke(command, ["--admin", f"{HOST}:{free_port()}"])
    assert done.exit_code == 1
    assert "nobody answers" in done.output


def test_no_address_is_a_usage_error() -> None:
    assert CliRunner().invoke(command, ["--admin", "nowhere"]).exit_code == 2
