"""What the benchmarks give Penstock to serve is what Penstock takes: nothing refused, every rule there."""

from pathlib import Path

import pytest

from benchmarks.load.gateway import marked_documents
from benchmarks.load.peers.penstock import documents, text
from benchmarks.load.workloads import Relay, Table
from proxy.snapshot.snapshot import Snapshot
from proxy.sources.file import FileSource
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import translate


def served(path: Path) -> Snapshot:
    source = FileSource([str(path)])
    loaded = source.load()
    source.close()
    translation = translate(loaded.resources, TranslateSettings())
    assert [str(problem) for problem in (*loaded.problems, *translation.problems)] == []
    return translation.snapshot


@pytest.mark.parametrize("shape", ["prefixes", "headers", "hosts"])
def test_every_rule_of_a_table_is_served(shape: str, tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(text(documents(Table(shape, 200), 8001, 8003)))
    snapshot = served(path)
    assert sum(len(bucket.rules) for bucket in snapshot.buckets.values()) == 200
    assert [bind.port for bind in snapshot.binds] == [8001]


def test_the_rule_that_takes_everything(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(text(documents(Table(), 8001, 8003)))
    (bucket,) = served(path).buckets.values()
    assert bucket.hostname == b""


@pytest.mark.parametrize(("relay", "kind", "hostname"), [("tcp", "TCPRoute", b""), ("tls", "TLSRoute", b"localhost")])
def test_what_is_passed_on_as_it_is(relay: Relay, kind: str, hostname: bytes, tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(text(documents(Table(secure=relay == "tls", relay=relay), 8001, 8003)))
    snapshot = served(path)
    ((route,),) = snapshot.l4.values()
    assert (route.kind, route.hostname, snapshot.buckets) == (kind, hostname, {})
    assert [bind.port for bind in snapshot.binds] == [8001]


def test_the_marked_configuration_of_reload_and_drain(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(text(marked_documents(5, 8001, 8003)))
    (bucket,) = served(path).buckets.values()
    assert bucket.rules[0].filters[0].set == ((b"x-mark", b"5"),)  # type: ignore[union-attr]
