"""Which files are read, and what is said of those that cannot be."""

import io
import os
from pathlib import Path
from unittest.mock import patch

from proxy.sources.read import Reader


def names(root: Path, *sources: str) -> list[str]:
    read = Reader([str(root / source) for source in sources]).read()
    return [os.path.relpath(file.path, root) for file in read]


def tree(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("a: 1\n")


def test_a_directory_is_read_recursively_and_in_order(tmp_path: Path) -> None:
    tree(tmp_path, "b.yaml", "a.yml", "sub/c.json", "sub/d.YAML", "sub/readme.md", ".git/e.yaml", ".hidden.yaml")
    assert names(tmp_path, ".") == ["a.yml", "b.yaml", "sub/c.json", "sub/d.YAML"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    tree(tmp_path, "a.yaml", "b.yaml")
    assert names(tmp_path, "b.yaml", ".", "a.yaml") == ["b.yaml", "a.yaml"]


def test_a_file_that_is_named_may_be_called_anything(tmp_path: Path) -> None:
    tree(tmp_path, "routes.conf")
    assert names(tmp_path, "routes.conf") == ["routes.conf"]


def test_a_mounted_config_map_is_read_once(tmp_path: Path) -> None:
    tree(tmp_path, "..2026_01/route.yaml")
    (tmp_path / "..data").symlink_to("..2026_01")
    (tmp_path / "route.yaml").symlink_to("..data/route.yaml")
    assert names(tmp_path, ".") == ["route.yaml"]


def test_links_that_go_round_end(tmp_path: Path) -> None:
    tree(tmp_path, "sub/a.yaml")
    (tmp_path / "sub/up").symlink_to(tmp_path)
    assert names(tmp_path, ".") == ["sub/a.yaml"]


def test_what_is_missing_says_what_a_source_is(tmp_path: Path) -> None:
    (file,) = Reader([str(tmp_path / "no.yaml")]).read()
    assert file.data is None
    assert file.problem is not None
    assert file.problem.message == "cannot be read: no such file or directory"
    assert "check the path" in file.problem.hint


def test_a_link_to_nothing_is_a_problem_of_that_file_alone(tmp_path: Path) -> None:
    tree(tmp_path, "a.yaml")
    (tmp_path / "b.yaml").symlink_to("nowhere")
    good, bad = Reader([str(tmp_path)]).read()
    assert good.data == b"a: 1\n"
    assert bad.problem is not None


def test_a_directory_that_cannot_be_listed_says_so(tmp_path: Path) -> None:
    with patch("os.listdir", side_effect=PermissionError(13, "Permission denied")):
        (file,) = Reader([str(tmp_path)]).read()
    assert file.problem is not None
    assert file.problem.message == "cannot be read: permission denied"
    assert file.problem.hint.startswith("let the user ")


def test_an_empty_directory_is_a_warning(tmp_path: Path) -> None:
    (file,) = Reader([str(tmp_path)]).read()
    assert file.problem is not None
    assert (file.problem.severity, file.problem.message) == ("warning", "holds no configuration")


def test_stdin_is_read_once_and_remembered() -> None:
    reader = Reader(["-"], io.BytesIO(b"a: 1\n"))
    first, second = reader.read(), reader.read()
    assert first == second
    assert (first[0].path, first[0].data) == ("<stdin>", b"a: 1\n")


def test_a_pipe_is_read_once_and_remembered(tmp_path: Path) -> None:
    end, write = os.pipe()
    os.write(write, b"a: 1\n")
    os.close(write)
    reader = Reader([f"/dev/fd/{end}"])
    try:
        assert [file.data for file in reader.read() + reader.read()] == [b"a: 1\n", b"a: 1\n"]
    finally:
        os.close(end)
