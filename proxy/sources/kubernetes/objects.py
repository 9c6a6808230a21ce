"""An object as the API server sent it, to what is kept of it."""

from typing import Any, NamedTuple

from proxy.resources.kinds import KINDS
from proxy.resources.meta import ObjectKey, Resource
from proxy.resources.problem import Finding, Problem, dotted
from proxy.resources.stand_in import stand_in
from proxy.resources.stored import decode_stored
from proxy.sources.kubernetes.scope import WITH_STATUS

Raw = dict[str, Any]


class Current(NamedTuple):
    """What changes about an object without making it another one."""

    resource_version: str
    uid: str
    generation: int
    status: Raw
    """As the API server has it; {} for kinds whose status we do not write."""


class Reading(NamedTuple):
    """One object, decoded as far as that was possible."""

    key: ObjectKey
    current: Current
    item: Resource | None
    problems: tuple[Problem, ...] = ()
    """What keeps it from being an item, or what is doubtful about it."""
    unknown: tuple[str, ...] = ()
    """Fields that were left out, without the indices of lists."""
    stand_in: Resource | None = None
    """What is to be served in place of an item that is None, unless an earlier one is known."""


def read_object(raw: Raw, group: str, kind: str, api_version: str) -> Reading:
    """`raw` is used up. Entries of a list may leave out `apiVersion` and `kind`."""
    meta = raw.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    key = ObjectKey(_text(meta, "namespace"), _text(meta, "name"))
    current = _current(raw, meta, (group, kind) in WITH_STATUS)
    raw.update(apiVersion=api_version, kind=kind)
    model = KINDS[group, kind].model
    item, findings = decode_stored(raw, model)
    return Reading(
        key,
        current,
        item,
        tuple(_problem(finding, kind, key) for finding in findings if not _is_unknown(finding)),
        tuple(_anywhere(finding) for finding in findings if _is_unknown(finding)),
        stand_in(model, raw) if item is None else None,
    )


def _current(raw: Raw, meta: Raw, with_status: bool) -> Current:
    status = raw.get("status") if with_status else None
    generation = meta.get("generation")
    return Current(
        _text(meta, "resourceVersion"),
        _text(meta, "uid"),
        generation if isinstance(generation, int) else 0,
        status if isinstance(status, dict) else {},
    )


def _text(meta: Raw, name: str) -> str:
    value = meta.get(name)
    return value if isinstance(value, str) else ""


def _is_unknown(finding: Finding) -> bool:
    return finding.severity == "notice"


def _anywhere(finding: Finding) -> str:
    return dotted(tuple("*" if isinstance(step, int) else step for step in finding.path))


def _problem(finding: Finding, kind: str, key: ObjectKey) -> Problem:
    return Problem(
        finding.severity,
        finding.message,
        kind=kind,
        namespace=key.namespace,
        name=key.name,
        field=dotted(finding.path),
        hint=finding.hint,
    )
