"""What a container finds: its volumes where it mounts them, and the machine's files around them or nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.node.files import HOST, lay_out, start_in


def test_a_static_binarys_root_holds_its_volumes_and_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "pod" / "echo"
    lay_out(root, {"/etc/secret-volume": {"crt": b"certificate", "deep/key": b"key"}}, on_host=False)
    files = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert files == ["etc/secret-volume/crt", "etc/secret-volume/deep/key"]
    assert sorted(path.name for path in root.iterdir()) == ["etc", "tmp"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One with the machine's files; `/.host` is a link here, where a container has it bound."""
    root = tmp_path / "root"
    mounts = {
        "/config": {"gateway.yaml": b"kind: Gateway"},
        "/etc/penstock": {"hello.yaml": b"kind: HTTPRoute"},
        "/var/run/secrets/kubernetes.io/serviceaccount": {"token": b"secret"},
    }
    lay_out(root, mounts, on_host=True)
    (root / HOST).rmdir()
    (root / HOST).symlink_to("/")
    return root


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("config/gateway.yaml", b"kind: Gateway"),
        ("etc/penstock/hello.yaml", b"kind: HTTPRoute"),
        ("var/run/secrets/kubernetes.io/serviceaccount/token", b"secret"),
    ],
)
def test_a_volume_is_at_its_path(root: Path, path: str, content: bytes) -> None:
    assert (root / path).read_bytes() == content


def test_the_machines_files_are_around_it(root: Path) -> None:
    assert os.readlink(root / "usr") == f"/{HOST}/usr"
    assert os.readlink(root / "etc" / "passwd") == f"/{HOST}/etc/passwd"
    assert {entry.name for entry in os.scandir("/etc")} <= {entry.name for entry in os.scandir(root / "etc")}


def test_a_containers_own_directories_are_real_and_empty(root: Path) -> None:
    for name in ("proc", "dev", "sys", "tmp"):
        assert not (root / name).is_symlink()
        assert list((root / name).iterdir()) == []


def test_nothing_of_it_is_on_the_machine(root: Path) -> None:
    assert not Path("/etc/penstock/hello.yaml").exists()
    assert not Path("/config/gateway.yaml").exists()


def test_the_command_that_enters_a_root_ends_with_the_containers(tmp_path: Path) -> None:
    assert start_in(tmp_path, on_host=False)[-1] == str(tmp_path)
    words = start_in(tmp_path, on_host=True)
    done = subprocess.run(
        [*words[2:4], 'echo "$@"', *words[5:], sys.executable, "-m", "proxy"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [sys.executable, "-m", "proxy"]
