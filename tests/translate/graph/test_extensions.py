"""ExtensionRefs: where each leads, what is said of it, and what is remembered."""

import pytest
from msgspec.structs import replace

from proxy.translate.graph.extensions import ExtensionKey, Extensions
from tests.translate.declare import APP, WEB, declare, objects, route, route_condition, translated

OWN = "penstock.dev"


def answer(name: str = "closed", spec: str = "{status: 503}", namespace: str = "default") -> str:
    meta = f"{{name: {name}, namespace: {namespace}}}"
    return f"{{apiVersion: {OWN}/v1alpha1, kind: DirectResponse, metadata: {meta}, spec: {spec}}}"


def key(kind: str = "DirectResponse", name: str = "closed", group: str = OWN) -> ExtensionKey:
    return ExtensionKey(group, kind, "default", name)


LEADS_NOWHERE = [
    # (reference, reason, in the message, in the hint)
    (key("Magic", "wand", "example.com"), "InvalidKind", "Magic.example.com wand", "DirectResponse"),
    (key("Secret", "s", ""), "InvalidKind", "Secret s is not a filter", "DirectResponse"),
    (key("DirectResponse", group="penstok.dev"), "InvalidKind", "penstok.dev", "of group penstock.dev?"),
    (key("JWTAut"), "InvalidKind", "JWTAut.penstock.dev", "did you mean kind JWTAuth"),
    (key("Backend", "app"), "InvalidKind", "is not a filter", "DirectResponse"),
    (key("TrafficPolicy"), "InvalidKind", "is not a filter", "DirectResponse"),
    (key("Filter"), "InvalidKind", "not served by this version yet", "it serves DirectResponse"),
    (key(name="close"), "BackendNotFound", "there is no DirectResponse default/close", "'closed'"),
    (key(name="zzz"), "BackendNotFound", "default/zzz", "are: bodyless, closed"),
    (key(name="bodyless"), "InvalidFilter", "spec.body: an answer with status 204 has no body", "own problems"),
]


@pytest.mark.parametrize(("asked", "reason", "message", "hint"), LEADS_NOWHERE)
def test_what_leads_nowhere(asked: ExtensionKey, reason: str, message: str, hint: str) -> None:
    extensions = Extensions(
        declare(answer(), answer("bodyless", "{status: 204, body: a}"), answer("far", namespace="x"))
    )
    target = extensions.resolve(asked)
    assert target.resource is None and target.finding is not None
    assert target.finding.reason == reason
    assert message in target.finding.message and hint in target.finding.hint


def test_without_any_there_is_a_hint_all_the_same() -> None:
    finding = Extensions(declare()).resolve(key()).finding
    assert finding is not None and finding.hint == "nothing declares any DirectResponses of namespace default"


def test_what_is_sound_is_the_object_itself() -> None:
    resources = declare(answer())
    target = Extensions(resources).resolve(key())
    assert target.finding is None and [target.resource] == list(resources)


def test_answers_are_kept_while_the_objects_are_the_same() -> None:
    resources = declare(answer())
    first = Extensions(resources)
    target = first.resolve(key())
    again = Extensions(resources, first)
    assert again.unchanged and again.resolve(key()) is target
    other = Extensions(declare(answer()), again)
    assert not other.unchanged and other.resolve(key()) != target
    assert Extensions(declare(), other).resolve(key()).finding is not None


REF = "{{type: ExtensionRef, extensionRef: {{group: {0}, kind: {1}, name: {2}}}}}"
BACKEND = "backendRefs: [{group: penstock.dev, kind: Backend, name: app}]"
CONDITIONS = [
    (REF.format(OWN, "DirectResponse", "closed"), ("True", "Accepted"), ("True", "ResolvedRefs")),
    (REF.format(OWN, "DirectResponse", "nobody"), ("True", "Accepted"), ("False", "BackendNotFound")),
    (REF.format(OWN, "RateLimit", "slow"), ("True", "Accepted"), ("False", "InvalidKind")),
    (REF.format("example.com", "Magic", "wand"), ("True", "Accepted"), ("False", "InvalidKind")),
    (REF.format(OWN, "DirectResponse", "bodyless"), ("True", "Accepted"), ("False", "InvalidFilter")),
]


@pytest.mark.parametrize(("ref", "accepted", "resolved"), CONDITIONS)
@pytest.mark.parametrize("at", ["rule", "backend"])
def test_conditions(ref: str, accepted: tuple[str, str], resolved: tuple[str, str], at: str) -> None:
    on_rule = f"[{{filters: [{ref}], {BACKEND}}}]"
    on_backend = f"[{{backendRefs: [{{group: penstock.dev, kind: Backend, name: app, filters: [{ref}]}}]}}]"
    rules = on_rule if at == "rule" else on_backend
    it = translated(WEB, APP, route(rules), answer(), answer("bodyless", "{status: 204, body: a}"))
    assert (route_condition(it, "Accepted"), route_condition(it, "ResolvedRefs")) == (accepted, resolved)


def test_a_rule_that_answers_by_itself_needs_no_backend() -> None:
    def warned(ref: str) -> bool:
        it = translated(WEB, route(f"[{{filters: [{ref}]}}]"), answer())
        return any("it has no backendRefs" in problem.message for problem in it.problems)

    assert not warned(REF.format(OWN, "DirectResponse", "closed"))
    assert not warned(REF.format(OWN, "DirectResponse", "not-there-yet"))
    assert warned(REF.format(OWN, "RateLimit", "slow"))


def test_an_object_that_a_laxer_source_let_through_is_checked_again() -> None:
    [item] = objects(answer())
    unsound = replace(item, spec=replace(item.spec, status=0))  # type: ignore[attr-defined]
    resources = type(declare())([unsound])
    finding = Extensions(resources).resolve(key()).finding
    assert finding is not None and finding.message.startswith(
        "DirectResponse default/closed is not valid (spec: it cannot be read)"
    )
