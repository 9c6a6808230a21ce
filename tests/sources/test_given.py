"""Given: files that were read once, as a source."""

from pathlib import Path

from proxy.resources.meta import Wanted
from proxy.resources.problem import Problem
from proxy.sources.documents import digest
from proxy.sources.file import FileSource
from proxy.sources.given import Given
from proxy.sources.read import FileBytes, read_file

GOOD = b"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n"
BAD = b"apiVersion: v1\nkind: Service\nmetadata: {nam: b}\n"


def given(*files: tuple[str, bytes]) -> Given:
    return Given([FileBytes(path, data, None, digest(data)) for path, data in files])


def test_it_holds_what_a_source_of_files_would(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(GOOD)
    (tmp_path / "b.yaml").write_bytes(b"\n" + BAD)
    paths = [str(tmp_path / name) for name in ("a.yaml", "b.yaml")]
    loaded, same = Given(list(map(read_file, paths))).load(), FileSource(paths).load()
    assert list(loaded.resources) == list(same.resources)
    assert loaded.problems == same.problems != ()


def test_what_cannot_be_read_is_a_problem() -> None:
    [problem] = Given([read_file("/nowhere.yaml")]).load().problems
    assert "cannot be read" in problem.message


def test_problems_that_are_found_later_get_their_place_without_a_file() -> None:
    loaded = given(("<text>", GOOD)).load()
    [service] = loaded.resources
    file, line = loaded.resources.origin(service)
    [placed] = loaded.place([_problem(file, line)])
    assert (placed.line, placed.column) == (4, 15)


def _problem(file: str, line: int) -> Problem:
    return Problem("error", "", kind="Service", namespace="default", name="a", field="spec.ports", file=file, line=line)


async def test_it_is_there_at_once_and_never_changes() -> None:
    source = given(("a", GOOD))
    await source.open()
    assert not await source.want(frozenset({Wanted("Secret", "a", "b")}))
    assert [change async for change in source.changes()] == []
    source.close()
