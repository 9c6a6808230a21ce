"""Namespaces and label selectors: from where something may attach (All, Same, Selector)."""

from collections.abc import Mapping

from proxy.resources.core import Namespace
from proxy.resources.labels import selector_mistakes
from proxy.resources.meta import LabelSelector, LabelSelectorRequirement, ObjectKey
from proxy.resources.store import ResourceSet, same_objects

NAME_LABEL = "kubernetes.io/metadata.name"
"""Kubernetes puts it on every namespace, so that selectors can name one."""


class Namespaces:
    """The labels of namespaces, declared or not."""

    __slots__ = ("_declared",)

    def __init__(self, resources: ResourceSet) -> None:
        self._declared = resources.by_kind(Namespace)

    def equals(self, other: "Namespaces") -> bool:
        return same_objects(self._declared, other._declared)

    def selected(self, selector: LabelSelector | None, namespace: str) -> bool:
        """A selector that is missing or makes no sense selects nothing: NotIn would else let in everybody."""
        if selector is None or any(selector_mistakes(selector)):
            return False
        return selects(selector, self._labels(namespace))

    def _labels(self, namespace: str) -> dict[str, str]:
        """A namespace that only files speak of has its name's label alone."""
        declared = self._declared.get(ObjectKey("", namespace))
        return {NAME_LABEL: namespace, **(declared.metadata.labels if declared else {})}


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """All of matchLabels and matchExpressions hold; an empty selector selects everything."""
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _holds(requirement, labels) for requirement in selector.match_expressions
    )


def _holds(requirement: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
    """NotIn holds for an object without the label (Kubernetes, LabelSelectorRequirement)."""
    match requirement.operator:
        case "In":
            return labels.get(requirement.key) in requirement.values
        case "NotIn":
            return labels.get(requirement.key) not in requirement.values
        case "Exists":
            return requirement.key in labels
        case _:
            return requirement.key not in labels
