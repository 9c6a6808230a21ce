"""Which directories are watched."""

import asyncio
from pathlib import Path
from unittest.mock import patch

from proxy.sources.watch import Watch, directories


def test_a_file_is_watched_through_its_directory(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    assert directories([str(tmp_path / "a.yaml")]) == {str(tmp_path)}


def test_a_directory_is_watched_with_all_below_it(tmp_path: Path) -> None:
    (tmp_path / "d/sub/deep").mkdir(parents=True)
    (tmp_path / "d/.git").mkdir()
    found = directories([str(tmp_path / "d")])
    assert found == {str(tmp_path), *(str(tmp_path / name) for name in ("d", "d/sub", "d/sub/deep"))}


def test_links_are_watched_where_they_lead(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.yaml").touch()
    (tmp_path / "d/sub").mkdir(parents=True)
    (tmp_path / "d/a.yaml").symlink_to("../real/a.yaml")
    (tmp_path / "d/sub/up").symlink_to("..")
    assert str(tmp_path / "real") in directories([str(tmp_path / "d")])
    assert str(tmp_path / "real") in directories([str(tmp_path / "d/a.yaml")])


def test_what_is_missing_is_watched_from_above(tmp_path: Path) -> None:
    assert directories([str(tmp_path / "no/such/a.yaml")]) == {str(tmp_path)}


def test_a_directory_that_cannot_be_listed_is_watched_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with patch("os.scandir", side_effect=PermissionError):
        assert str(tmp_path / "d") in directories([str(tmp_path / "d")])


async def test_a_closed_watch_tells_nothing(tmp_path: Path) -> None:
    watch = Watch([str(tmp_path)])
    watch.close()
    assert [event async for event in watch.events()] == []


async def test_a_watch_of_nothing_waits_to_be_closed() -> None:
    watch = Watch([])
    waiting = asyncio.ensure_future(anext(watch.events(), "ended"))
    await asyncio.sleep(0)
    assert not waiting.done()
    watch.close()
    assert await waiting == "ended"
