"""`penstock demo --backend-only`: a process that answers until it is told to stop, as a Pod has it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.demo.configuration import free_port

ROOT = Path(__file__).parent.parent.parent


def start(address: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "proxy", "demo", "--backend-only", address],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(params=["127.0.0.1", ""])
def backend(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    with start(f"{request.param}:{port}") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("The hello backend answers on ")
        yield process, port
        process.kill()


def ask(port: int) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/hello")
        return connection.getresponse().read()
    finally:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_until_it_is_told_to_stop(backend: tuple[subprocess.Popen[str], int], number: int) -> None:
    process, port = backend
    assert ask(port) == b'{"from":"Penstock","message":"Hello, Penstock!","status":true}'
    process.send_signal(number)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0


def test_an_address_that_cannot_be_had_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(f"127.0.0.1:{port}") as process:
            _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.startswith(f"Cannot listen on 127.0.0.1:{port}: ")


def test_an_address_that_is_none_is_a_mistake_of_usage() -> None:
    with start("8080") as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "'8080' is not HOST:PORT" in said
