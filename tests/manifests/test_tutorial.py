"""The tutorial's page and files, without a cluster: tests/cluster/test_tutorial.py runs it in one."""

from proxy.sources.file import FileSource
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import translate
from tests.cluster.tutorial import Command, file_of, steps
from tests.manifests.tree import KUBERNETES, ROOT, kustomizations, objects

TUTORIAL = KUBERNETES / "tutorial"


def applies() -> list[Command]:
    return [command for step in steps() for command in step.commands if "apply" in command.argv]


def test_its_steps_are_whole() -> None:
    assert [step.number for step in steps()] == [1, 2, 3, 4, 5, 6]
    assert all(step.commands for step in steps())
    assert [bool(command.output) for command in steps()[-1].commands] == [False, True, True]


def test_every_file_is_applied_once_and_exists() -> None:
    applied = [path for path in map(file_of, applies()) if path is not None]
    assert [path for path in applied if not path.exists()] == []
    ours = {path for path in applied if TUTORIAL in path.parents}
    assert ours == {*TUTORIAL.glob("*.yaml"), *(path.parent for path in kustomizations() if TUTORIAL in path.parents)}
    assert len(applied) == len(set(applied))


def test_it_takes_the_gateway_api_of_the_release_that_is_tested() -> None:
    [named] = [command.option("-f") for command in applies() if file_of(command) is None]
    assert named is not None
    assert "/v1.6.1/" in named
    assert "sigs.k8s.io/gateway-api v1.6.1" in (ROOT / "tests/conformance/modules/suite/go.mod").read_text()


def test_what_it_declares_is_what_a_gateway_serves() -> None:
    """In files the class is implied: what its parameters ask for is made in a cluster only."""
    declared = [path for path in sorted(TUTORIAL.glob("*.yaml")) if path.name != "2-gatewayclass.yaml"]
    loaded = FileSource([str(path) for path in declared]).load()
    translation = translate(loaded.resources, TranslateSettings())
    found = (*loaded.problems, *translation.problems)
    assert [problem for problem in found if problem.severity == "error"] == []
    assert translation.snapshot.buckets


def test_its_class_is_that_of_the_default_overlay() -> None:
    [ours, parameters] = objects(TUTORIAL / "2-gatewayclass.yaml")
    [theirs, their_parameters] = objects(KUBERNETES / "overlays" / "default" / "gatewayclass.yaml")
    assert {**theirs["spec"], **ours["spec"]} == theirs["spec"]
    assert parameters["spec"] == their_parameters["spec"]
