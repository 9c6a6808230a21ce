"""Plain values to models: which kind it is, whether it has its type, whether it keeps its rules.

A bad object is not an exception: it comes back as findings, and its neighbours are not touched.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from proxy.resources.kinds import GROUPS, KINDS, NOT_SERVED_YET, SOMEBODY_ELSES, kind_names
from proxy.resources.meta import Resource
from proxy.resources.mismatch import mismatches, show
from proxy.resources.problem import Finding, Path
from proxy.resources.stand_in import stand_in
from proxy.resources.validate import validate

DEFAULT_NAMESPACE: Final = "default"
_NEITHER: Final = "an object begins with apiVersion, kind, metadata and spec"


class Decoded(Struct, frozen=True):
    """One object of a document, or what kept it from being one."""

    at: Path
    """Where in the document: () but for the entries of a List."""
    item: Resource | None = None
    findings: tuple[Finding, ...] = ()
    """Paths begin at the object."""
    model: type[Resource] | None = None
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    """Of the identity, as much as could be read."""
    skipped: Literal["", "not ours", "not yet", "cases"] = ""
    stand_in: Resource | None = None
    """What is to be served in place of an item that is None, unless an earlier one is known."""


def holds_cases(value: Any) -> bool:
    """The document is not an object but holds cases for `penstock test`, which may stand beside what they are about."""
    return isinstance(value, dict) and "cases" in value and value.keys().isdisjoint({"apiVersion", "kind"})


def decode_document(value: Any) -> Iterator[Decoded]:
    """The objects of a document: one, or those of a List."""
    yield from _decode(value, ())


def _decode(value: Any, at: Path) -> Iterator[Decoded]:
    if not isinstance(value, dict):
        yield Decoded(at, findings=(Finding((), f"got {show(value)}, want an object", _NEITHER),))
        return
    api_version, kind = value.get("apiVersion"), value.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list):
        yield from _decode_list(value, kind.removesuffix("List"), at)
    elif isinstance(api_version, str) and isinstance(kind, str) and api_version and kind:
        yield _decode_object(value, api_version, kind, at)
    elif holds_cases(value) and not at:
        yield Decoded(at, skipped="cases")
    else:
        yield Decoded(at, findings=tuple(_untyped(value)), **_identity(value))


def _decode_list(value: dict[str, Any], kind: str, at: Path) -> Iterator[Decoded]:
    """Entries of a typed list (HTTPRouteList) may leave out what the list says for all."""
    typed = {"apiVersion": value.get("apiVersion"), "kind": kind} if kind else {}
    for index, item in enumerate(value["items"]):
        whole = {**typed, **item} if isinstance(item, dict) else item
        yield from _decode(whole, (*at, "items", index))


def _untyped(value: dict[str, Any]) -> Iterator[Finding]:
    for field in ("apiVersion", "kind"):
        given = value.get(field)
        if not given:
            yield Finding((field,), "required, but missing", _NEITHER, at_key=True)
        elif not isinstance(given, str):
            yield Finding((field,), f"got {show(given)}, want text")


def _decode_object(value: dict[str, Any], api_version: str, kind: str, at: Path) -> Decoded:
    group, _, version = api_version.rpartition("/")
    known = KINDS.get((group, kind))
    if known is None:
        return _unknown(value, group, at)
    if version not in known.versions:
        hint = f"use apiVersion: {_api_version(group, kind)}"
        finding = Finding(("apiVersion",), f"{kind} is not served in version {version}", hint)
        body, _ = _with_namespace(value, known.model)
        instead = stand_in(known.model, body)
        return Decoded(at, findings=(finding,), model=known.model, stand_in=instead, **_identity(body))
    return _decode_known(value, known.model, at)


def _decode_known(value: dict[str, Any], model: type[Resource], at: Path) -> Decoded:
    body, findings = _with_namespace(value, model)
    item, mistakes = _convert(body, model)
    findings.extend(mistakes)
    if item is not None:
        findings.extend(validate(item))
        if any(finding.severity == "error" for finding in findings):
            item = None
    instead = stand_in(model, body) if item is None else None
    return Decoded(at, item, tuple(findings), model, stand_in=instead, **_identity(body))


def _with_namespace(value: dict[str, Any], model: type[Resource]) -> tuple[dict[str, Any], list[Finding]]:
    """The object without its status, and with the namespace that its kind wants."""
    body = {name: item for name, item in value.items() if name != "status"}
    meta = value.get("metadata")
    if not isinstance(meta, dict):
        return body, []
    if model.namespaced and not meta.get("namespace"):
        body["metadata"] = {**meta, "namespace": DEFAULT_NAMESPACE}
    if not model.namespaced and meta.get("namespace"):
        body["metadata"] = {name: item for name, item in meta.items() if name != "namespace"}
        message = f"ignored: a {model.__name__} belongs to no namespace"
        return body, [Finding(("metadata", "namespace"), message, "remove it", True, "warning")]
    return body, []


def _convert(body: dict[str, Any], model: type[Resource]) -> tuple[Resource | None, list[Finding]]:
    try:
        return msgspec.convert(body, model, strict=True), []
    except msgspec.ValidationError:
        cleaned, findings = mismatches(model, body)
    if findings:
        return None, findings
    try:
        return msgspec.convert(cleaned, model, strict=True), []
    except msgspec.ValidationError as error:
        return None, [Finding((), str(error))]


def _identity(value: dict[str, Any]) -> dict[str, Any]:
    """As keyword arguments of Decoded; what is not text is left out."""
    meta = value.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    found = {
        "api_version": value.get("apiVersion"),
        "kind": value.get("kind"),
        "namespace": meta.get("namespace"),
        "name": meta.get("name"),
    }
    return {field: text for field, text in found.items() if isinstance(text, str)}


# --- kinds we do not serve --------------------------------------------------------------------


def _unknown(value: dict[str, Any], group: str, at: Path) -> Decoded:
    kind = value["kind"]
    identity = _identity(value)
    if (group, kind) in NOT_SERVED_YET:
        return Decoded(at, skipped="not yet", **identity)
    hint = _meant(group, kind)
    if (group, kind) in SOMEBODY_ELSES or (group not in GROUPS and not hint):
        return Decoded(at, skipped="not ours", **identity)
    if group in GROUPS:
        finding = Finding(("kind",), f"no kind {kind} in {group or 'the core group (v1)'}", hint)
    else:
        finding = Finding(("apiVersion",), f"no API group {group}", hint)
    return Decoded(at, findings=(finding,), **identity)


def _meant(group: str, kind: str) -> str:
    """A hint for a kind or group that is almost one of ours; "" when nothing comes near."""
    if group in GROUPS:
        for other, same in KINDS:
            if same == kind:
                return f"use apiVersion: {_api_version(other, kind)}"
        close = get_close_matches(kind, kind_names(group), n=1)
        return f"did you mean {close[0]}?" if close else f"known here: {', '.join(kind_names(group))}"
    close = get_close_matches(group, [known for known in GROUPS if known], n=1, cutoff=0.8)
    if close and kind in kind_names(close[0]):
        return f"did you mean {close[0]}?"
    return ""


def _api_version(group: str, kind: str) -> str:
    version = KINDS[group, kind].versions[0]
    return f"{group}/{version}" if group else version
