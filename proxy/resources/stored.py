"""Objects as an API server stores them, to models.

It has checked them against its own schema, which may be newer or older than ours. So a field that is
new to us costs nothing but itself, rules across fields are its business, and what no model reads is
dropped before it takes memory.
"""

from functools import cache
from typing import Any, Final, NamedTuple, get_args

import msgspec
from msgspec import Struct

from proxy.resources.core import Service
from proxy.resources.kinds import EXPERIMENTAL, GATEWAY, OWN
from proxy.resources.meta import Ignored, Resource
from proxy.resources.mismatch import fields_of, mismatches
from proxy.resources.own import MANAGED_BY, MANAGER
from proxy.resources.problem import Finding
from proxy.resources.validate import validate

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""An annotation as large as its object; of a Secret it holds the data."""
_RULED: Final = (GATEWAY, EXPERIMENTAL, OWN)
"""Groups whose rules stand in CRDs, of whatever version is installed."""


class Stored(NamedTuple):
    """An object, or what keeps it from being one."""

    item: Resource | None
    findings: tuple[Finding, ...]
    """Paths begin at the object."""


def decode_stored(value: dict[str, Any], model: type[Resource]) -> Stored:
    """`value` is changed: what no model reads is taken out of it, metadata.resourceVersion included."""
    _prune(value, model)
    try:
        return _checked(msgspec.convert(value, model, strict=True))
    except msgspec.ValidationError:
        cleaned, findings = mismatches(model, value, lenient=True)
    if any(finding.severity == "error" for finding in findings):
        return Stored(None, tuple(findings))
    try:
        checked = _checked(msgspec.convert(cleaned, model, strict=True))
    except msgspec.ValidationError as error:
        return Stored(None, (Finding((), str(error)),))
    return Stored(checked.item, (*findings, *checked.findings))


def _checked(item: Resource) -> Stored:
    """Rules that the API server let pass are for people to look at; translation copes with what breaks them."""
    if item.group not in _RULED:
        return Stored(item, ())
    broken = (msgspec.structs.replace(finding, severity="warning") for finding in validate(item))
    return Stored(item, tuple(broken))


# --- what nobody reads ------------------------------------------------------------------------


class _Plan(NamedTuple):
    """What to take out of a mapping, and where within it to go on."""

    drop: tuple[str, ...]
    below: tuple[tuple[str, "_Plan"], ...]


def _prune(value: dict[str, Any], model: type[Resource]) -> None:
    meta = value.get("metadata")
    if not (model is Service and _is_made(meta)):
        value.pop("status", None)
    if isinstance(meta, dict):
        meta.pop("resourceVersion", None)
        annotations = meta.get("annotations")
        if isinstance(annotations, dict):
            annotations.pop(LAST_APPLIED, None)
    _apply(_plan(model), value)


def _is_made(meta: Any) -> bool:
    """For a Gateway: then its status says where clients find it."""
    labels = meta.get("labels") if isinstance(meta, dict) else None
    return isinstance(labels, dict) and labels.get(MANAGED_BY) == MANAGER


def _apply(plan: _Plan, value: Any) -> None:
    if isinstance(value, list):
        for entry in value:
            _apply(plan, entry)
    elif isinstance(value, dict):
        for name in plan.drop:
            value.pop(name, None)
        for name, below in plan.below:
            if name in value:
                _apply(below, value[name])


@cache
def _plan(model: type[Struct]) -> _Plan:
    fields = fields_of(model).values()
    below = ((field.name, _plan(inner)) for field in fields for inner in _structs(field.type))
    return _Plan(
        tuple(field.name for field in fields if field.type is Ignored),
        tuple((name, plan) for name, plan in below if plan.drop or plan.below),
    )


def _structs(wanted: Any) -> list[type[Struct]]:
    """The models that a type hint leads to."""
    if isinstance(wanted, type) and issubclass(wanted, Struct):
        return [wanted]
    return [model for inner in get_args(wanted) for model in _structs(inner)]
