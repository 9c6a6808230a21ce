"""What the demo reads from its configuration, and what it says when a port is taken."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli.main import main
from proxy.demo.stage import CONFIGURATION, StageError, set_stage
from tests.demo.configuration import free_port, write_configuration

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of 127.0.0.1 that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_the_packaged_configuration_is_the_one_to_edit() -> None:
    assert CONFIGURATION.resolve() == ROOT / "config" / "hello.yaml"


def test_ports_come_from_the_gateway_and_the_endpoint_slice(tmp_path: Path) -> None:
    backend_port, port, admin_port = free_port(), free_port(), free_port()
    stage = set_stage(port, admin_port, write_configuration(tmp_path, backend_port, declared_port=8080))
    assert (stage.declared_port, stage.backend_host, stage.backend_port) == (8080, "127.0.0.1", backend_port)
    assert stage.url == f"http://127.0.0.1:{port}/hello"
    assert stage.admin == f"127.0.0.1:{admin_port}"


def test_a_configuration_without_a_gateway_is_no_stage(tmp_path: Path) -> None:
    path = tmp_path / "hello.yaml"
    path.write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: lonely}\nspec: 5: 6\n")
    with pytest.raises(StageError, match="needs a Gateway and an EndpointSlice") as caught:
        set_stage(free_port(), free_port(), path)
    assert f"{path}:4" in str(caught.value), "what is wrong with the file is said, too"


def test_a_taken_backend_port_is_named_with_the_file_to_edit(tmp_path: Path, taken: int) -> None:
    path = write_configuration(tmp_path, taken)
    with pytest.raises(StageError, match=f"^Port {taken}, wanted for the hello backend, is taken") as caught:
        set_stage(free_port(), free_port(), path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("option", ["--port", "--admin-port"])
def test_a_taken_port_ends_the_command_with_a_way_out(option: str, taken: int) -> None:
    other = {"--port": "--admin-port", "--admin-port": "--port"}[option]
    done = CliRunner().invoke(main, ["demo", option, str(taken), other, str(free_port())])
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Port {taken}, wanted for the ")
    assert "is taken already" in done.stderr
    assert f"penstock demo {option} {taken % 65535 + 1}" in done.stderr


def test_no_port_serves_two(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(StageError, match=f"^Port {port}, wanted for the admin address, is taken already"):
        set_stage(port, port, write_configuration(tmp_path, free_port()))


def test_a_port_for_which_there_is_no_right_is_not_called_taken(tmp_path: Path) -> None:
    path = tmp_path / "hello.yaml"
    path.write_text(write_configuration(tmp_path, free_port()).read_text().replace("127.0.0.1", "192.0.2.1"))
    with pytest.raises(StageError, match="wanted for the hello backend, cannot be bound: Cannot assign"):
        set_stage(free_port(), free_port(), path)
