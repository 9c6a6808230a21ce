"""Labels and annotations as Kubernetes takes them, wherever they stand, and selectors of labels."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from proxy.resources.fields import SUBDOMAIN
from proxy.resources.meta import LabelSelector, LabelSelectorRequirement
from proxy.resources.problem import Finding, Path

MAX_ANNOTATION: Final = 4096
"""Characters of an annotation in a field of the Gateway API (AnnotationValue)."""

_QUALIFIED_NAME = re.compile(rf"(?:{SUBDOMAIN}/)?(?:[A-Za-z0-9][-A-Za-z0-9_.]{{0,61}})?[A-Za-z0-9]\Z")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
_VALUES = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False}
"""Operator to whether it needs values; where not, it takes none."""


def is_label_name(text: str) -> bool:
    prefix, slash, _ = text.partition("/")
    return _QUALIFIED_NAME.match(text) is not None and (not slash or len(prefix) <= 253)


def is_label_value(text: str) -> bool:
    return _LABEL_VALUE.match(text) is not None


def label_findings(labels: Mapping[str, str], path: Path) -> Iterator[Finding]:
    for key, value in labels.items():
        if not is_label_name(key):
            yield Finding((*path, key), "not a label name", at_key=True)
        if not is_label_value(value):
            yield Finding((*path, key), f'"{value}" is not a label value: up to 63 of A-Z, a-z, 0-9, - _ .')


def annotation_findings(annotations: Mapping[str, str], path: Path) -> Iterator[Finding]:
    for key in annotations:
        if not is_label_name(key.lower()):
            yield Finding((*path, key), "not an annotation name", at_key=True)


def selector_mistakes(selector: LabelSelector) -> Iterator[tuple[str, str, str]]:
    """(part of the selector, message, hint) for what makes it none: no API server looks for these (LabelSelector)."""
    for key, value in selector.match_labels.items():
        if not (is_label_name(key) and is_label_value(value)):
            yield "matchLabels", f"{key!r}: {value!r} is on no object", "write a label as objects have it"
    for i, requirement in enumerate(selector.match_expressions):
        yield from _requirement_mistakes(f"matchExpressions[{i}]", requirement)


def _requirement_mistakes(part: str, requirement: LabelSelectorRequirement) -> Iterator[tuple[str, str, str]]:
    if not is_label_name(requirement.key):
        yield f"{part}.key", f"{requirement.key!r} is not a label name", "write one such as team or example.com/team"
    operator = requirement.operator
    if _VALUES[operator] != bool(requirement.values):
        message = f"{operator} {'needs' if _VALUES[operator] else 'takes no'} values"
        yield f"{part}.values", message, "list some" if _VALUES[operator] else "remove them"
    for value in requirement.values:
        if not is_label_value(value):
            yield f"{part}.values", f"{value!r} is not a label value", "use up to 63 of A-Z, a-z, 0-9, - _ ."
