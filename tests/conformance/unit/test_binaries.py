"""The cache of binaries: what a directory is named for, and that a build is whole or not there."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance import binaries
from tests.conformance.binaries import BINARIES, COPIES, Binary, BuildError, command_of, fingerprint
from tests.conformance.place import MODULES

ROW = Binary("tool", "tool", ".")

FAKE_GO = """#!/bin/sh
echo "$PWD $*" >> "$GO_LOG"
case "$1" in
env) echo go1.26.8 ;;
mod) echo '{"Dir": "'"$GO_SOURCE"'"}' ;;
*)
    [ -z "$GO_FAILS" ] || { echo "does not compile" >&2; exit 1; }
    while [ "$1" != -o ]; do shift; done
    echo binary > "$2" ;;
esac
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "module"
    folder.mkdir()
    for name in ("go.mod", "go.sum", "main.go"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A `go` that writes down its calls and makes a file; gives the file with its calls."""
    program, log = tmp_path / "bin" / "go", tmp_path / "calls"
    program.parent.mkdir()
    program.write_text(FAKE_GO)
    program.chmod(0o755)
    source = tmp_path / "dependency" / "config" / "crd" / "experimental"
    source.mkdir(parents=True)
    (source / "gateways.yaml").write_text("kind: CustomResourceDefinition")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GO_LOG", str(log))
    monkeypatch.setenv("GO_SOURCE", str(tmp_path / "dependency"))
    monkeypatch.setenv("GO_FAILS", "")
    monkeypatch.setenv("PENSTOCK_CONFORMANCE_CACHE", str(tmp_path / "cache"))
    binaries.go_version.cache_clear()
    yield log
    binaries.go_version.cache_clear()


def test_every_row_has_its_module_and_every_module_a_row() -> None:
    assert {binary.module for binary in BINARIES} == {path.name for path in MODULES.iterdir() if path.is_dir()}
    assert set(COPIES) <= {binary.module for binary in BINARIES}
    assert len({binary.name for binary in BINARIES}) == len(BINARIES)


@pytest.mark.parametrize("name", ["go.mod", "go.sum", "main.go"])
def test_each_file_of_a_module_decides(source: Path, name: str) -> None:
    before = fingerprint(source, "go1.26.8", [ROW])
    (source / name).write_text("changed")
    assert fingerprint(source, "go1.26.8", [ROW]) != before


def test_a_new_file_gos_version_and_the_row_decide(source: Path) -> None:
    before = fingerprint(source, "go1.26.8", [ROW])
    assert fingerprint(source, "go1.26.9", [ROW]) != before
    assert fingerprint(source, "go1.26.8", [ROW._replace(linker_flags="-X a.b=c")]) != before
    assert fingerprint(source, "go1.26.8", [ROW]) == before
    (source / "other.go").write_text("")
    assert fingerprint(source, "go1.26.8", [ROW]) != before


@pytest.mark.parametrize(
    ("binary", "command"),
    [
        (ROW, "build -trimpath -ldflags -s -w -o /x/tool ."),
        (ROW._replace(is_test=True), "test -c -trimpath -ldflags -s -w -o /x/tool ."),
        (ROW._replace(linker_flags="-X a.b=c"), "build -trimpath -ldflags -s -w -X a.b=c -o /x/tool ."),
    ],
)
def test_how_go_is_called(binary: Binary, command: str) -> None:
    assert " ".join(command_of(binary, Path("/x/tool"))) == command


def test_what_is_missing_is_built_once(fake_go: Path) -> None:
    assert binaries.missing() == list(binaries.modules())
    binaries.build_missing()
    assert binaries.missing() == []
    assert all(binaries.path(binary.name).read_text() == "binary\n" for binary in BINARIES)
    assert [path.name for path in binaries.crds().iterdir()] == ["gateways.yaml"]
    calls = fake_go.read_text()
    binaries.build_missing()
    assert fake_go.read_text() == calls


def test_a_build_that_fails_leaves_nothing_and_says_why(fake_go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GO_FAILS", "1")
    with pytest.raises(BuildError, match="does not compile"):
        binaries.build_missing()
    assert [path.name for path in binaries.cache_root().iterdir()] == ["kube.lock"]


def test_two_builds_at_once_are_one(fake_go: Path) -> None:
    binaries.go_version()
    threads = [threading.Thread(target=binaries.build_missing) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    built = [line for line in fake_go.read_text().splitlines() if " -o " in line]
    assert len(built) == len(BINARIES)


def test_without_go_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    binaries.go_version.cache_clear()
    with pytest.raises(BuildError, match="install Go"):
        binaries.go_version()
