"""From sources to a candidate."""

from pathlib import Path

from proxy.resources.meta import Wanted
from proxy.runtime.load import Loader
from proxy.sources.file import FileSource
from proxy.translate.settings import TranslateSettings
from tests.runtime.running import document, gateway, route, service


def test_a_candidate_has_the_snapshot_and_all_that_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "g.yaml"
    broken = document("gateway.networking.k8s.io/v1", "HTTPRoute", "broken", {"rules": 7})
    file.write_text(gateway(8080) + service(80) + route() + route("/x", "dangling", to="nowhere") + broken)
    loader = Loader(FileSource([str(file)]), TranslateSettings())
    candidate = loader.load()
    assert [bind.port for bind in candidate.snapshot.binds] == [8080]
    assert {error.name for error in candidate.errors} == {"broken", "dangling"}
    assert list(candidate.problems) == sorted(candidate.problems, key=lambda problem: problem.sort_key)
    assert set(candidate.durations) == {"load", "translate"}
    assert {status.kind for status in candidate.statuses} >= {"Gateway", "HTTPRoute"}
    counts = candidate.object_counts()
    assert counts["HTTPRoute", "refused"] == 2
    assert counts["Gateway", "accepted"] == 1


def test_what_did_not_change_is_the_same_snapshot(tmp_path: Path) -> None:
    file = tmp_path / "g.yaml"
    file.write_text(gateway(8080) + service(80) + route())
    loader = Loader(FileSource([str(file)]), TranslateSettings())
    first = loader.load().snapshot
    assert loader.load().snapshot is first
    file.write_text(gateway(8080) + service(81) + route())
    assert loader.load().snapshot.generation == first.generation + 1


def test_problems_of_the_translation_are_placed_in_their_file(tmp_path: Path) -> None:
    file = tmp_path / "g.yaml"
    file.write_text(gateway(8080) + service(80) + route() + route("/x", "dangling", to="nowhere"))
    (error,) = Loader(FileSource([str(file)]), TranslateSettings()).load().errors
    assert error.field == "spec.rules[0].backendRefs[0].name"
    line = file.read_text().splitlines()[error.line - 1]
    assert line[error.column - 1 :].startswith('"nowhere"')


class AskedOnce(FileSource):
    """Has more to give the first time that it is asked to follow something."""

    def __init__(self, path: Path) -> None:
        super().__init__([str(path)])
        self.asked = 0

    async def want(self, wanted: frozenset[Wanted]) -> bool:
        self.asked += 1
        return self.asked == 1


async def test_what_was_asked_for_by_name_is_loaded_before_anything_is_served(tmp_path: Path) -> None:
    file = tmp_path / "g.yaml"
    file.write_text(gateway(8080) + service(80) + route())
    source = AskedOnce(file)
    assert (await Loader(source, TranslateSettings()).settle()).snapshot.generation == 1
    assert source.asked == 2


async def test_rules_that_had_to_be_compiled_are_added_up_to_the_candidate(tmp_path: Path) -> None:
    file = tmp_path / "g.yaml"
    site = gateway(8080) + service(80) + "".join(route(f"/{n}", f"r{n}") for n in range(20))
    file.write_text(site)
    source = AskedOnce(file)
    loader = Loader(source, TranslateSettings())
    assert (await loader.settle()).compiled_rules == 20
    file.write_text(site + route("/new", "new"))
    assert (await loader.settle()).compiled_rules == 1
    assert (await loader.settle()).compiled_rules == 0
