"""From parsed files to one set: duplicates, last good versions, notices."""

from proxy.resources.backendtlspolicy import UNSOUND, BackendTLSPolicy
from proxy.resources.core import ConfigMap
from proxy.resources.problem import Problem
from proxy.sources.assemble import Held, Identity, ParsedFile, PlacedDocument, assemble
from proxy.sources.base import Loaded
from proxy.sources.documents import Document, split
from proxy.sources.parse import parse

MAP = "{apiVersion: v1, kind: ConfigMap, metadata: {name: %s}, data: {a: %s}}\n"


def parsed(**files: str) -> list[ParsedFile]:
    return [ParsedFile(name, tuple(placed(document) for document in split(text))) for name, text in files.items()]


def placed(document: Document) -> PlacedDocument:
    end = document.begin + len(document.text)
    return PlacedDocument(parse(document.text), document.line, document.begin, end)


def values(loaded: Loaded) -> dict[str, str]:
    return {str(key): item.data["a"] for key, item in loaded.resources.by_kind(ConfigMap).items()}


def after(first: str, second: str) -> Loaded:
    """What file f holds after an edit."""
    held: dict[Identity, Held] = {}
    _, held = assemble(parsed(f=first), held)
    loaded, _ = assemble(parsed(f=second), held)
    return loaded


def test_of_two_with_one_name_the_first_counts_and_both_places_are_told() -> None:
    loaded, _ = assemble(parsed(one=MAP % ("m", "x"), two="# c\n" + MAP % ("m", "z")), {})
    assert values(loaded) == {"default/m": "x"}
    (problem,) = loaded.problems
    assert str(problem) == (
        "two:2: error[ConfigMap/default/m]: declared already at one:1, and that one counts\n"
        "    hint: remove or rename one of the two"
    )


def test_every_object_knows_its_origin() -> None:
    loaded, _ = assemble(parsed(f="---\n" + MAP % ("a", "x") + "---\n\n" + MAP % ("b", "x")), {})
    origins = [loaded.resources.origin(item) for item in loaded.resources]
    assert origins == [("f", 2), ("f", 5)]


def test_a_bad_edit_keeps_the_last_good_version() -> None:
    loaded = after(MAP % ("m", "x"), MAP % ("m", "12"))
    assert values(loaded) == {"default/m": "x"}
    (problem,) = loaded.problems
    assert problem.hint.endswith("; the last good version keeps serving")


def test_a_bad_object_that_never_was_good_is_lost_alone() -> None:
    loaded = after(MAP % ("a", "x"), MAP % ("a", "x") + "---\n" + MAP % ("b", "12"))
    assert values(loaded) == {"default/a": "x"}
    assert "last good" not in loaded.problems[0].hint


def test_a_malformed_document_keeps_what_the_file_held() -> None:
    good = MAP % ("a", "x") + "---\n" + MAP % ("b", "x") + "---\n" + MAP % ("c", "x")
    loaded = after(good, MAP % ("a", "new") + "---\n{b: [\n---\n" + MAP % ("c", "x"))
    assert values(loaded) == {"default/a": "new", "default/b": "x", "default/c": "x"}
    (problem,) = loaded.problems
    assert problem.line > 2
    assert "the last good version of 1 object keeps serving" in problem.hint


def test_what_is_kept_stays_kept_through_more_edits() -> None:
    held: dict[Identity, Held] = {}
    for text in (MAP % ("m", "x"), "{a: [", "{a: [[", MAP % ("m", "12")):
        loaded, held = assemble(parsed(f=text), held)
    assert values(loaded) == {"default/m": "x"}
    loaded, held = assemble(parsed(f=MAP % ("m", "z1")), held)
    assert values(loaded) == {"default/m": "z1"}
    assert loaded.problems == ()


def test_what_is_removed_is_gone() -> None:
    assert values(after(MAP % ("a", "x") + "---\n" + MAP % ("b", "x"), MAP % ("b", "x"))) == {"default/b": "x"}


def test_an_object_that_moves_to_another_file_is_not_kept_twice() -> None:
    _, held = assemble(parsed(f=MAP % ("a", "x")), {})
    loaded, _ = assemble(parsed(f="{a: [", g=MAP % ("a", "z1")), held)
    assert values(loaded) == {"default/a": "z1"}


def test_an_unreadable_directory_keeps_what_it_held() -> None:
    _, held = assemble([ParsedFile("d/f", parsed(f=MAP % ("a", "x"))[0].documents)], {})
    loaded, held = assemble([ParsedFile("d", problem=Problem("error", "cannot be read", file="d"))], held)
    assert values(loaded) == {"default/a": "x"}
    warned, _ = assemble([ParsedFile("d", problem=Problem("warning", "holds no configuration", file="d"))], held)
    assert values(warned) == {}


def test_an_object_that_only_looks_changed_stays_the_same_instance() -> None:
    _, held = assemble(parsed(f=MAP % ("a", "x")), {})
    before = next(iter(held.values())).item
    loaded, _ = assemble(parsed(f="# now with a comment\n" + (MAP % ("a", "x")).replace(", ", ",  ")), held)
    assert next(iter(loaded.resources)) is before
    assert loaded.resources.origin(before) == ("f", 2)


def test_foreign_kinds_get_one_notice_each() -> None:
    pod = "{apiVersion: v1, kind: Pod, metadata: {name: %s}}\n"
    mesh = "{apiVersion: gateway.networking.x-k8s.io/v1alpha1, kind: XMesh, metadata: {name: g}}\n"
    loaded, _ = assemble(parsed(f=pod % "a" + "---\n" + pod % "b" + "---\n" + mesh), {})
    pods, routes = loaded.problems
    assert str(pods) == "f:1: notice: 2 objects of kind Pod (v1) skipped: not a kind that a gateway reads"
    assert (routes.severity, routes.line) == ("notice", 5)
    assert routes.message.endswith(
        "XMesh (gateway.networking.x-k8s.io/v1alpha1) skipped: not served yet by this version"
    )


def test_a_cluster_scoped_object_is_kept_by_its_own_key() -> None:
    space = "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {b: %s}}}\n"
    loaded = after(space % "x", space % "12")
    assert [str(item.key) for item in loaded.resources] == ["a"]


POLICY = (
    "{apiVersion: gateway.networking.k8s.io/v1, kind: BackendTLSPolicy, metadata: {name: p}, spec: {"
    "targetRefs: [{group: '', kind: Service, name: a}], validation: {hostname: a.b, %s: System}}}\n"
)


def test_what_protects_is_stood_in_for_until_it_is_sound() -> None:
    loaded, held = assemble(parsed(f=POLICY % "wellKnown"), {})
    [policy] = loaded.resources
    assert isinstance(policy, BackendTLSPolicy)
    assert policy.spec.validation.hostname == UNSOUND
    assert loaded.problems[0].hint.endswith("until it is sound, requests to what it is for get 500")
    mended, _ = assemble(parsed(f=POLICY % "wellKnownCACertificates"), held)
    [policy] = mended.resources
    assert isinstance(policy, BackendTLSPolicy)
    assert (policy.spec.validation.hostname, mended.problems) == ("a.b", ())


def test_a_sound_version_that_is_known_serves_on_rather_than_a_stand_in() -> None:
    [policy] = after(POLICY % "wellKnownCACertificates", POLICY % "wellKnown").resources
    assert isinstance(policy, BackendTLSPolicy)
    assert policy.spec.validation.hostname == "a.b"
