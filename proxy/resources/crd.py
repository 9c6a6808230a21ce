"""Models to CustomResourceDefinitions: what a cluster must know of our own kinds to refuse what we would refuse.

The schemas are structural (no references, every field typed) and follow the models field by field: types,
enumerations, limits, patterns, defaults and what the docstrings say. What a type cannot say, rules between
fields and how `kubectl get` shows the kind, stands in `crd_extras`.

Two things are narrower than in files, as the API server is: an object of the wrong type is refused when it is
written, not when it is read, and IPv6 addresses with a zone are not taken (CEL's `isIP`).
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import msgspec.inspect as types
from msgspec import NODEFAULT, Struct

from proxy.resources.crd_extras import RULES, VIEWS, View
from proxy.resources.kinds import KINDS, OWN, Kind, plural_of
from proxy.resources.meta import Condition, Resource

Schema = dict[str, Any]
"""A JSON object of OpenAPI v3, as apiextensions.k8s.io/v1 restricts it."""

_CONSTRAINTS: Final = {"ge": "minimum", "le": "maximum", "min_length": "minLength", "max_length": "maxLength"}
_OBJECT_META: Final = {"type": "object"}
"""The API server knows better what belongs there."""


def crds() -> list[Schema]:
    """One CustomResourceDefinition for each own kind, in the order of the table of kinds."""
    return [_crd(name, kind) for (group, name), kind in KINDS.items() if group == OWN]


def _crd(name: str, kind: Kind) -> Schema:
    plural, view = plural_of(name), VIEWS.get(name, View())
    names: Schema = {"kind": name, "listKind": f"{name}List", "plural": plural, "singular": name.lower()}
    if view.short_names:
        names["shortNames"] = list(view.short_names)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{OWN}", "labels": {"app.kubernetes.io/name": "penstock"}},
        "spec": {
            "group": OWN,
            "names": {**names, "categories": ["penstock"]},
            "scope": "Namespaced" if kind.model.namespaced else "Cluster",
            "versions": [_version(version, kind, view) for version in kind.versions],
        },
    }


def _version(version: str, kind: Kind, view: View) -> Schema:
    columns = [{"name": name, "type": type_, "jsonPath": path} for name, type_, path in view.columns]
    return {
        "name": version,
        "served": True,
        "storage": version == kind.versions[0],
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            *columns,
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        ],
        "schema": {"openAPIV3Schema": _root(kind.model)},
    }


def _root(model: type[Resource]) -> Schema:
    """A whole object. `status` is whatever the controller says, so its shape is ours and not the user's."""
    schema = schema_of(types.type_info(model))
    schema["properties"] |= {"metadata": _OBJECT_META, "status": _status()}
    schema["required"] = [field for field in schema["required"] if field == "spec"]
    return schema


def _status() -> Schema:
    conditions = {
        "type": "array",
        "items": schema_of(types.type_info(Condition)),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }
    return {"description": "What became of it.", "type": "object", "properties": {"conditions": conditions}}


# --- types ------------------------------------------------------------------------------------


def schema_of(type_: types.Type) -> Schema:
    """The structural schema of a type as msgspec describes it. Raises TypeError for what has none."""
    match type_:
        case types.Metadata(type=inner, extra_json_schema=extra):
            return {**_described((extra or {}).get("description", "")), **schema_of(inner)}
        case types.StructType():
            return _object(type_)
        case types.VarTupleType(item_type=item) | types.ListType(item_type=item):
            return {
                "type": "array",
                **_counts(type_, "Items"),
                "x-kubernetes-list-type": "atomic",
                "items": schema_of(item),
            }
        case types.DictType(value_type=value):
            return {"type": "object", **_counts(type_, "Properties"), **_any_key(value)}
        case types.UnionType():
            return _union([member for member in type_.types if not isinstance(member, types.NoneType)])
        case types.LiteralType(values=values):
            return {"type": "string" if isinstance(values[0], str) else "integer", "enum": list(values)}
        case _:
            return _scalar(type_)


def _scalar(type_: types.Type) -> Schema:
    match type_:
        case types.StrType(pattern=pattern):
            return {"type": "string", **_limits(type_), **({"pattern": _as_re2(pattern)} if pattern else {})}
        case types.IntType():
            return {"type": "integer", **_limits(type_)}
        case types.FloatType():
            return {"type": "number", **_limits(type_)}
        case types.BoolType():
            return {"type": "boolean"}
        case types.AnyType():
            return {"x-kubernetes-preserve-unknown-fields": True}
    raise TypeError(f"a CustomResourceDefinition has no schema for {type(type_).__name__}")


def _union(members: list[types.Type]) -> Schema:
    if len(members) == 1:
        return schema_of(members[0])
    kinds = {type(member) for member in members}
    if {types.IntType, types.StrType} <= kinds <= {types.IntType, types.StrType, types.FloatType}:
        return {"x-kubernetes-int-or-string": True}  # fractions, too, are written as text there
    raise TypeError("of unions, a CustomResourceDefinition knows only that of integer and string")


def _any_key(value: types.Type) -> Schema:
    if isinstance(value, types.AnyType):
        return {"x-kubernetes-preserve-unknown-fields": True}
    return {"additionalProperties": schema_of(value)}


def _limits(type_: types.Type) -> Schema:
    found = {theirs: getattr(type_, ours, None) for ours, theirs in _CONSTRAINTS.items()}
    return {name: limit for name, limit in found.items() if limit is not None}


def _counts(type_: types.Type, what: str) -> Schema:
    """minItems and maxItems, or minProperties and maxProperties."""
    found = {f"min{what}": getattr(type_, "min_length", None), f"max{what}": getattr(type_, "max_length", None)}
    return {name: limit for name, limit in found.items() if limit is not None}


def _as_re2(pattern: str) -> str:
    """RE2 says `$` for the very end of the text, which Python says as `\\Z`."""
    return pattern.removesuffix(r"\Z") + "$" if pattern.endswith(r"\Z") else pattern


# --- objects ----------------------------------------------------------------------------------


def _object(type_: types.StructType) -> Schema:
    docs = field_docs(type_.cls)
    schema: Schema = {**_described(type_.cls.__doc__ or ""), "type": "object"}
    schema["required"] = [field.encode_name for field in type_.fields if field.required]
    schema["properties"] = {field.encode_name: _property(field, docs.get(field.name, "")) for field in type_.fields}
    if rules := RULES.get(type_.cls):
        schema["x-kubernetes-validations"] = [_rule(*rule) for rule in rules]
    return schema if schema["required"] else {name: part for name, part in schema.items() if name != "required"}


def _property(field: types.Field, doc: str) -> Schema:
    schema = {**schema_of(field.type), **_described(doc)}
    if field.default is not NODEFAULT and isinstance(field.default, str | int | float):
        schema["default"] = field.default
    return schema


def _rule(rule: str, message: str, field: str) -> Schema:
    return {"rule": rule, "message": message, **({"fieldPath": field} if field else {})}


def _described(text: str) -> Schema:
    """As a sentence; phrases of our messages ("a name of 1 to 253 characters") become one."""
    line = " ".join(text.split())
    return {"description": line[0].upper() + line[1:] + ("" if line.endswith(".") else ".")} if line else {}


def field_docs(model: type[Struct]) -> dict[str, str]:
    """Python's name of a field to the docstring below it; nothing where the source is not at hand."""
    try:
        source = inspect.getsource(model)
    except (OSError, TypeError):
        return {}
    [defined] = ast.parse(textwrap.dedent(source)).body
    return dict(_docs(defined.body)) if isinstance(defined, ast.ClassDef) else {}


def _docs(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement, below in pairwise(body):
        match statement, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, text
