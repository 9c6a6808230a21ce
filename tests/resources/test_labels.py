"""Labels, annotations and selectors as Kubernetes takes them."""

import pytest

from proxy.resources.labels import annotation_findings, is_label_name, is_label_value, label_findings, selector_mistakes
from proxy.resources.meta import LabelSelector, LabelSelectorRequirement

NAMES = {
    "team": True, "example.com/team": True, "A_b-c.d": True, "kubernetes.io/metadata.name": True, "x" * 63: True,
    "": False, "x" * 64: False, "a b": False, "-a": False, "a-": False, "/a": False, "a/": False, "A.com/x": False,
    "a/b/c": False, "ü": False, "a\n": False, f"{'x' * 254}/a": False,
}  # fmt: skip
VALUES = {"": True, "a": True, "A_b-c.d": True, "x" * 63: True,
          "x" * 64: False, "a b": False, "-a": False, "a/b": False, "a\n": False}  # fmt: skip


@pytest.mark.parametrize("text", NAMES)
def test_names(text: str) -> None:
    assert is_label_name(text) is NAMES[text]


@pytest.mark.parametrize("text", VALUES)
def test_values(text: str) -> None:
    assert is_label_value(text) is VALUES[text]


def test_what_is_wrong_stands_at_its_key() -> None:
    labels = {"a b": "x", "c": "d e", "f": "g"}
    assert [(each.path, each.at_key) for each in label_findings(labels, ("spec",))] == [
        (("spec", "a b"), True), (("spec", "c"), False),
    ]  # fmt: skip
    assert [each.path for each in annotation_findings({"a b": "", "Example.com/B": "\n"}, ())] == [("a b",)]


def expression(key: str, operator: str, *values: str) -> LabelSelector:
    requirement = LabelSelectorRequirement(key, operator, values)  # type: ignore[arg-type]
    return LabelSelector(match_expressions=(requirement,))


MISTAKES = [
    (LabelSelector(), []),
    (LabelSelector({"team": "a"}), []),
    (LabelSelector({"a b": "a"}), ["matchLabels"]),
    (LabelSelector({"team": "a b"}), ["matchLabels"]),
    (expression("team", "In", "a", ""), []),
    (expression("team", "NotIn", "a"), []),
    (expression("team", "Exists"), []),
    (expression("team", "In"), ["matchExpressions[0].values"]),
    (expression("team", "NotIn"), ["matchExpressions[0].values"]),
    (expression("team", "Exists", "a"), ["matchExpressions[0].values"]),
    (expression("team", "DoesNotExist", "a"), ["matchExpressions[0].values"]),
    (expression("a b", "NotIn", "a"), ["matchExpressions[0].key"]),
    (expression("team", "NotIn", "a", "b c"), ["matchExpressions[0].values"]),
]


@pytest.mark.parametrize(("selector", "parts"), MISTAKES)
def test_selectors_that_are_none(selector: LabelSelector, parts: list[str]) -> None:
    found = list(selector_mistakes(selector))
    assert [part for part, _, _ in found] == parts
    assert all(message and hint for _, message, hint in found)
