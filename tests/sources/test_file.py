"""FileSource: load, load again, and be told of changes."""

import asyncio
import gc
import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.resources.core import ConfigMap
from proxy.sources import file as module
from proxy.sources.base import Loaded, Source
from proxy.sources.file import FileSource, load_text
from proxy.sources.parse import Parsed, parse

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\ndata:\n  a: %s\n"


def values(loaded: Loaded) -> dict[str, str]:
    return {key.name: item.data["a"] for key, item in loaded.resources.by_kind(ConfigMap).items()}


def many(count: int, **changed: str) -> str:
    names = [f"m{number}" for number in range(count)]
    return "---\n".join(MAP % (name, changed.get(name, "x")) for name in names)


def test_it_is_a_source(tmp_path: Path) -> None:
    source: Source = FileSource([str(tmp_path)])
    source.close()


def test_only_what_changed_is_parsed_again(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(many(50))
    source = FileSource([str(path)])
    before = source.load()
    path.write_text("# moved by a line\n---\n" + many(50, m7="new"))
    with patch.object(module, "parse", wraps=parse) as parsing:
        after = source.load()
    assert parsing.call_count == 1
    old, new = before.resources.by_kind(ConfigMap), after.resources.by_kind(ConfigMap)
    assert [key.name for key in old if old[key] is not new[key]] == ["m7"]
    assert after.resources.origin(new[next(iter(new))]).line == before.resources.origin(old[next(iter(old))]).line + 2


def test_a_file_that_did_not_change_is_not_even_split(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(many(3))
    source = FileSource([str(tmp_path)])
    source.load()
    with patch.object(module, "split") as split:
        assert len(source.load().resources) == 3
    split.assert_not_called()


def test_a_deleted_file_takes_its_objects_along(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(MAP % (name, "x"))
    source = FileSource([str(tmp_path)])
    assert values(source.load()) == {"a": "x", "b": "x"}
    (tmp_path / "a.yaml").unlink()
    loaded = source.load()
    assert values(loaded) == {"b": "x"}
    assert loaded.problems == ()


def test_a_source_that_vanishes_is_an_error_and_keeps_serving(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(MAP % ("a", "x"))
    source = FileSource([str(path)])
    source.load()
    path.unlink()
    loaded = source.load()
    assert values(loaded) == {"a": "x"}
    (problem,) = loaded.problems
    assert problem.severity == "error"
    assert "the last good version of 1 object keeps serving" in problem.hint


def test_a_bad_edit_and_its_repair(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    source = FileSource([str(path)])
    for text, expected, errors in [
        (MAP % ("a", "x"), {"a": "x"}, 0),
        (MAP % ("a", "on"), {"a": "x"}, 1),
        ("a: b: c", {"a": "x"}, 1),
        (MAP % ("a", "z1"), {"a": "z1"}, 0),
        ("", {}, 0),
    ]:
        path.write_text(text)
        loaded = source.load()
        found = [problem for problem in loaded.problems if problem.severity == "error"]
        assert (values(loaded), len(found)) == (expected, errors)


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n", "# nothing\n---\n"])
def test_an_empty_file_declares_nothing_and_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    loaded = FileSource([str(path)]).load()
    assert len(loaded.resources) == 0
    assert list(map(str, loaded.problems)) == [
        f"{path}: warning: holds no configuration\n    hint: it is empty, or all comments"
    ]


async def test_a_change_during_a_load_is_not_missed(tmp_path: Path) -> None:
    """The content goes from x to z1 and back while a load is between reading and parsing."""
    path = tmp_path / "a.yaml"
    path.write_text(MAP % ("a", "x"))
    source = FileSource([str(path)], debounce=0.01)
    source.load()
    path.write_text(MAP % ("a", "z1"))
    changes = source.changes()

    def turn_back(text: str) -> Parsed:
        path.write_text(MAP % ("a", "x"))
        assert asyncio.run_coroutine_threadsafe(first_change(changes), loop).result() is True
        return parse(text)

    loop = asyncio.get_running_loop()
    with patch.object(module, "parse", turn_back):
        loaded = await asyncio.to_thread(source.load)
    assert values(loaded) == {"a": "z1"}
    assert values(source.load()) == {"a": "x"}
    source.close()
    await changes.aclose()  # type: ignore[attr-defined]


async def first_change(changes: AsyncIterator[None]) -> bool:
    await anext(changes)
    return True


def test_a_byte_that_is_no_utf8_spoils_its_document_only(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes((MAP % ("a", "x")).encode() + b"---\nb: \xff\n---\n" + (MAP % ("c", "x")).encode())
    loaded = FileSource([str(path)]).load()
    assert values(loaded) == {"a": "x", "c": "x"}
    (problem,) = loaded.problems
    assert (problem.line, problem.column, problem.message) == (8, 4, "byte 0xff is not UTF-8")


def test_stdin_is_a_source() -> None:
    source = FileSource(["-"], stdin=io.BytesIO((MAP % ("a", "x")).encode()))
    assert values(source.load()) == values(source.load()) == {"a": "x"}


def test_text_is_loaded_as_a_file_would_be() -> None:
    loaded = load_text(MAP % ("a", "x"), "here")
    assert values(loaded) == {"a": "x"}
    assert next(iter(map(loaded.resources.origin, loaded.resources))) == ("here", 1)


documents = st.builds(lambda name, value: MAP % (name, value), st.sampled_from("abc"), st.sampled_from(["x", "z1"]))
contents = st.lists(documents | st.sampled_from(["# only a comment\n", "{apiVersion: v1, kind: Pod}\n"]), max_size=4)


@given(st.lists(contents, min_size=2, max_size=4))
def test_a_reload_gives_what_a_fresh_start_would(edits: list[list[str]]) -> None:
    """Without mistakes in the files the past leaves no trace, whatever was kept from it."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "a.yaml"
        path.write_text("")
        source = FileSource([str(path)])
        for edit in edits:
            path.write_text("---\n".join(edit))
            warm, cold = source.load(), FileSource([str(path)]).load()
            assert list(warm.resources) == list(cold.resources)
            assert warm.problems == cold.problems
            assert [warm.resources.origin(item) for item in warm.resources] == [
                cold.resources.origin(item) for item in cold.resources
            ]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_as_it_was(tmp_path: Path, enabled: bool) -> None:
    try:
        if not enabled:
            gc.disable()
        FileSource([str(tmp_path)]).load()
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


async def test_a_load_may_run_in_a_thread(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MAP % ("a", "x") + "---\n" + MAP % ("A", "x"))
    source = FileSource([str(tmp_path)])
    for _ in range(3):
        loaded = await asyncio.to_thread(source.load)
        (problem,) = await asyncio.to_thread(loaded.place, loaded.problems)
        assert (values(loaded), problem.line) == ({"a": "x"}, 11)
        assert gc.isenabled()


# --- changes ----------------------------------------------------------------------------------


class Watched:
    """A source whose changes are counted as they come."""

    def __init__(self, source: FileSource) -> None:
        self.source = source
        self.told = asyncio.Queue[Loaded]()

    async def run(self) -> None:
        async for _ in self.source.changes():
            self.told.put_nowait(self.source.load())

    async def next(self) -> dict[str, str]:
        """What is held after the next change; the suite's timeout ends a wait in vain."""
        return values(await self.told.get())


@asynccontextmanager
async def watching(path: Path) -> AsyncIterator[Watched]:
    watched = Watched(FileSource([str(path)], debounce=0.01))
    watched.source.load()
    task = asyncio.create_task(watched.run())
    try:
        yield watched
    finally:
        watched.source.close()
        await task


async def test_a_written_file_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(MAP % ("a", "x"))
    async with watching(path) as watched:
        path.write_text(MAP % ("a", "z1"))
        assert await watched.next() == {"a": "z1"}


async def test_a_replaced_file_is_a_change(tmp_path: Path) -> None:
    """As most editors save: a new file is renamed over the old."""
    path = tmp_path / "a.yaml"
    path.write_text(MAP % ("a", "x"))
    async with watching(path) as watched:
        for value in ("z1", "z2"):
            (tmp_path / "a.yaml~").write_text(MAP % ("a", value))
            os.replace(tmp_path / "a.yaml~", path)
            assert await watched.next() == {"a": value}


async def test_new_files_and_directories_are_changes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MAP % ("a", "x"))
    async with watching(tmp_path) as watched:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub/b.yaml").write_text(MAP % ("b", "x"))
        assert await watched.next() == {"a": "x", "b": "x"}
        (tmp_path / "sub/b.yaml").write_text(MAP % ("b", "z1"))
        assert await watched.next() == {"a": "x", "b": "z1"}
        (tmp_path / "a.yaml").unlink()
        assert await watched.next() == {"b": "z1"}


@pytest.mark.parametrize("source", [".", "route.yaml"])
async def test_the_swap_of_a_config_map_is_a_change(tmp_path: Path, source: str) -> None:
    """As the kubelet does it: the link ..data is replaced, the files beside it stay links into it."""

    def publish(version: str) -> None:
        (tmp_path / f"..{version}").mkdir()
        (tmp_path / f"..{version}/route.yaml").write_text(MAP % ("a", version))
        (tmp_path / "..data_tmp").symlink_to(f"..{version}")
        os.rename(tmp_path / "..data_tmp", tmp_path / "..data")

    publish("z1")
    (tmp_path / "route.yaml").symlink_to("..data/route.yaml")
    async with watching(tmp_path / source) as watched:
        for version in ("z2", "z3"):
            publish(version)
            assert await watched.next() == {"a": version}


async def test_a_touched_file_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(MAP % ("a", "x"))
    async with watching(path) as watched:
        path.write_text(MAP % ("a", "x"))
        os.utime(path)
        (tmp_path / "other.txt").write_text("x")
        path.write_text(MAP % ("a", "z1"))
        assert await watched.next() == {"a": "z1"}
        assert watched.told.empty()


async def test_what_changed_before_the_watch_began_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(MAP % ("a", "x"))
    source = FileSource([str(path)], debounce=0.01)
    source.load()
    path.write_text(MAP % ("a", "z1"))
    changes = source.changes()
    await anext(changes)
    source.close()
    await changes.aclose()  # type: ignore[attr-defined]


async def test_a_missing_source_may_come(tmp_path: Path) -> None:
    path = tmp_path / "sub/a.yaml"
    async with watching(path) as watched:
        path.parent.mkdir()
        path.write_text(MAP % ("a", "x"))
        while True:
            if await watched.next() == {"a": "x"}:
                break


async def test_stdin_never_changes() -> None:
    source = FileSource(["-"], stdin=io.BytesIO(b""))
    source.load()
    source.close()
    assert [change async for change in source.changes()] == []


CASES = "cases:\n- {name: one, request: http://a/, expect: {status: 404}}\n"


def test_cases_beside_objects_are_passed_over_with_one_notice() -> None:
    loaded = load_text(f"{CASES}---\n{CASES}", "cases.yaml")
    assert [str(problem) for problem in loaded.problems] == [
        "cases.yaml:1: notice: 2 documents of test cases skipped: penstock test runs them"
    ]


def test_a_document_with_a_kind_is_an_object_whatever_else_it_holds() -> None:
    [problem, *_] = load_text(f"kind: Gateway\n{CASES}").problems
    assert (problem.severity, problem.field) == ("error", "apiVersion")
