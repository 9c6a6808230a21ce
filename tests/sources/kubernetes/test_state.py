"""The saved state: who may read it, what is ignored, and a start while the API server is away."""

import asyncio
import gzip
import logging
import stat
from pathlib import Path

import pytest

from proxy.resources.core import Secret
from proxy.resources.gateway import Gateway
from proxy.resources.meta import Wanted
from proxy.sources.kubernetes.state import FILE, Keeper, Saved, StateFile
from tests.patience import eventually
from tests.sources.kubernetes.api_server import api_server
from tests.sources.kubernetes.following import EDGE, following, held, source_of
from tests.sources.kubernetes.objects import gateway, route, secret

SERVER = "https://10.0.0.1:6443"
OBJECTS = [Saved("", "Secret", secret("tls"))]
TLS_SECRET = frozenset({Wanted("Secret", "default", "tls")})


def test_what_is_written_is_read_and_is_nobody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "a/state"
    file = StateFile(str(folder))
    assert file.read(SERVER) is None
    file.write([], SERVER)
    file.write(OBJECTS, SERVER)
    assert file.read(SERVER) == OBJECTS
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    StateFile(str(tmp_path)).write(OBJECTS, SERVER)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o777


def test_a_file_that_others_may_have_written_is_not_believed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = StateFile(str(tmp_path))
    file.write(OBJECTS, SERVER)
    (tmp_path / FILE).chmod(0o666)
    assert file.read(SERVER) is None
    assert "others may have written it" in caplog.text


def damaged(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


IGNORED = [
    (damaged, "damaged"),
    (lambda data: data[: len(data) // 2], "damaged|no state"),
    (lambda data: b"", "no state of Penstock"),
    (gzip.compress, "no state of Penstock"),
    (lambda data: data.replace(b'"format":1', b'"format":9'), "format 9"),
    (lambda data: data.replace(b"10.0.0.1", b"10.0.0.2"), "it is of https://10.0.0.2:6443"),
]


@pytest.mark.parametrize(("change", "said"), IGNORED)
def test_a_file_that_cannot_be_used_is_named_and_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: "object", said: str
) -> None:
    file = StateFile(str(tmp_path))
    file.write(OBJECTS, SERVER)
    path = tmp_path / FILE
    assert callable(change)
    path.write_bytes(change(path.read_bytes()))
    assert file.read(SERVER) is None
    [record] = caplog.records
    assert record.getMessage().startswith(f"{path} is ignored: ")
    assert any(part in record.getMessage() for part in said.split("|"))


async def test_a_disk_that_cannot_be_written_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    keeper = Keeper(StateFile(str(tmp_path / "file")), SERVER, lambda: OBJECTS, 0.0)
    keeper.save()
    keeper.save()
    [record] = caplog.records
    assert "the state cannot be saved" in record.getMessage()


async def test_a_start_without_the_api_server_serves_what_was_saved(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.sources.kubernetes.source.PATIENCE_WITH_STATE", 0.05)
    caplog.set_level(logging.INFO, "penstock")
    async with api_server() as server:
        server.apply(gateway(status={"addresses": [{"value": "10.0.0.9"}]}), route("a"), secret("tls"))
        async with following(server, state=StateFile(str(tmp_path))) as source:
            await source.want(TLS_SECRET)
            await eventually((tmp_path / FILE).exists)
        await server.stop()
        async with following(server, state=StateFile(str(tmp_path))) as source:
            assert "serving the saved state" in caplog.text
            before = held(source)["a"]
            assert held(source, Gateway)
            assert source.load().held == {EDGE: ("10.0.0.9",)}
            assert await source.want(TLS_SECRET)
            assert held(source, Secret)
            server.apply(route("b"))
            await server.start()
            await eventually(lambda: set(held(source)) == {"a", "b"})
            assert held(source)["a"] is before


async def test_what_was_deleted_meanwhile_goes_when_the_api_server_says_so(tmp_path: Path) -> None:
    async with api_server() as server:
        server.apply(route("a"), route("b"))
        async with following(server, state=StateFile(str(tmp_path))) as source:
            await source.want(frozenset())
        server.delete("gateway.networking.k8s.io", "HTTPRoute", "a")
        async with following(server, state=StateFile(str(tmp_path))) as source:
            assert set(held(source)) == {"b"}


async def test_that_the_api_server_has_what_was_saved_is_news_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it says so it is not known whether there is more."""
    monkeypatch.setattr("proxy.sources.kubernetes.source.PATIENCE_WITH_STATE", 0.05)
    async with api_server() as server:
        server.apply(route("a"))
        async with following(server, state=StateFile(str(tmp_path))) as source:
            await source.want(frozenset())
            await eventually((tmp_path / FILE).exists)
        await server.stop()
        async with following(server, state=StateFile(str(tmp_path))) as source:
            assert "HTTPRoute" in source.load().resources.unread
            await server.start()
            async for _ in source.changes():
                if not source.load().resources.unread:
                    break
            assert set(held(source)) == {"a"}


async def test_half_a_state_does_not_replace_a_whole_one(tmp_path: Path) -> None:
    async with api_server() as server:
        server.apply(route("a"), secret("tls"))
        async with following(server, state=StateFile(str(tmp_path))) as source:
            await source.want(TLS_SECRET)
        whole = (tmp_path / FILE).read_bytes()
        async with following(server, state=StateFile(str(tmp_path))) as source:
            server.apply(route("b"))
            await eventually(lambda: "b" in held(source))
        assert (tmp_path / FILE).read_bytes() == whole


async def test_without_a_state_a_start_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with api_server() as server:
        await server.stop()
        source = source_of(server, state=StateFile(str(tmp_path)))
        opening = asyncio.create_task(source.open())
        await eventually(lambda: "tried again" in caplog.text)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        await source.stop()
        assert not (tmp_path / FILE).exists()
