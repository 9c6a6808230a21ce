"""Models to CustomResourceDefinitions. That an API server takes and obeys them is tests/cluster/test_crds.py."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec.inspect as types
import pytest
from msgspec import Meta, field

from proxy.resources.crd import crds, field_docs, schema_of
from proxy.resources.crd_extras import RULES
from proxy.resources.decode import decode_document
from proxy.resources.kinds import KINDS, OWN
from proxy.resources.meta import Ignored, Model
from tests.resources.own_objects import REFUSED, SOUND, Spec, object_of


class Leaf(Model, frozen=True):
    """A leaf."""

    size: Annotated[int, Meta(ge=1, le=9)] = 3
    """How big
    it is."""


class Tree(Model, frozen=True):
    """All that a field can be."""

    name: Annotated[str, Meta(pattern=r"^a+\Z", min_length=1, description="a name of a")]
    tall_leaf: Leaf
    kind: Literal["B", "A"] = "B"
    leaves: Annotated[tuple[Leaf, ...], Meta(min_length=1, max_length=8)] = ()
    labels: Annotated[dict[str, str], Meta(max_length=2)] = field(default_factory=dict)
    port: int | str | None = None
    quantity: str | int | float = "1"
    share: float | None = None
    on: bool = False
    anything: Ignored = None
    any_of_them: dict[str, Any] = field(default_factory=dict)


LEAF = {
    "description": "A leaf.",
    "type": "object",
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 9, "description": "How big it is.", "default": 3}
    },
}


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("name", {"description": "A name of a.", "type": "string", "minLength": 1, "pattern": "^a+$"}),
        ("tallLeaf", LEAF),
        ("kind", {"type": "string", "enum": ["A", "B"], "default": "B"}),
        ("leaves", {"type": "array", "minItems": 1, "maxItems": 8, "x-kubernetes-list-type": "atomic", "items": LEAF}),
        ("labels", {"type": "object", "maxProperties": 2, "additionalProperties": {"type": "string"}}),
        ("port", {"x-kubernetes-int-or-string": True}),
        ("quantity", {"x-kubernetes-int-or-string": True, "default": "1"}),
        ("share", {"type": "number"}),
        ("on", {"type": "boolean", "default": False}),
        ("anything", {"x-kubernetes-preserve-unknown-fields": True}),
        ("anyOfThem", {"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
    ],
)
def test_a_field_becomes_a_schema(name: str, schema: dict[str, Any]) -> None:
    assert schema_of(types.type_info(Tree))["properties"][name] == schema


def test_fields_without_a_default_are_required() -> None:
    tree = schema_of(types.type_info(Tree))
    assert tree["required"] == ["name", "tallLeaf"]
    assert "required" not in tree["properties"]["tallLeaf"]


@pytest.mark.parametrize("type_", [bytes, int | bool, tuple[int, int]])
def test_a_type_that_has_no_schema_is_a_mistake_of_ours(type_: Any) -> None:
    with pytest.raises(TypeError, match="CustomResourceDefinition"):
        schema_of(types.type_info(type_))


def test_docstrings_are_those_of_the_fields() -> None:
    assert field_docs(Leaf) == {"size": "How big\n    it is."}


# --- what comes out ---------------------------------------------------------------------------

CRDS = {crd["spec"]["names"]["kind"]: crd for crd in crds()}


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema of a tree of them."""
    yield node
    for inner in (*node.get("properties", {}).values(), node.get("items"), node.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from schemas(inner)


def test_every_own_kind_has_one() -> None:
    assert list(CRDS) == [kind for group, kind in KINDS if group == OWN]


@pytest.mark.parametrize("kind", CRDS)
def test_names_and_versions_are_those_of_the_kind(kind: str) -> None:
    crd = CRDS[kind]
    assert crd["metadata"]["name"] == f"{crd['spec']['names']['plural']}.{OWN}"
    assert [version["name"] for version in crd["spec"]["versions"]] == list(KINDS[OWN, kind].versions)
    assert [version["storage"] for version in crd["spec"]["versions"]].count(True) == 1
    assert all(version["subresources"] == {"status": {}} for version in crd["spec"]["versions"])


@pytest.mark.parametrize("kind", CRDS)
def test_schemas_are_structural(kind: str) -> None:
    for version in CRDS[kind]["spec"]["versions"]:
        for schema in schemas(version["schema"]["openAPIV3Schema"]):
            free = {"x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"} & set(schema)
            assert "type" in schema or free, schema
            assert not {"$ref", "anyOf", "title"} & set(schema)
            assert not ({"properties", "additionalProperties"} <= set(schema))
            assert "\\Z" not in schema.get("pattern", "")
            re.compile(schema.get("pattern", ""))


def test_every_rule_stands_in_a_schema() -> None:
    said = {
        rule["message"]
        for crd in CRDS.values()
        for version in crd["spec"]["versions"]
        for schema in schemas(version["schema"]["openAPIV3Schema"])
        for rule in schema.get("x-kubernetes-validations", ())
    }
    assert said == {message for rules in RULES.values() for _, message, _ in rules}


@pytest.mark.parametrize("kind", CRDS)
def test_columns_lead_to_fields(kind: str) -> None:
    for version in CRDS[kind]["spec"]["versions"]:
        for column in version["additionalPrinterColumns"]:
            schema = version["schema"]["openAPIV3Schema"]
            for step in re.sub(r"\[0\]", "", column["jsonPath"]).split(".")[1:]:
                schema = schema.get("items", schema)
                if step == "creationTimestamp":
                    break
                schema = schema["properties"][step]
            else:
                assert schema["type"] == column["type"]


# --- the objects that tests/cluster gives to an API server ------------------------------------


@pytest.mark.parametrize(("kind", "spec"), SOUND.values(), ids=SOUND)
def test_our_decoder_takes_what_is_sound(kind: str, spec: Spec) -> None:
    [decoded] = decode_document(object_of(kind, spec))
    assert decoded.findings == ()
    assert decoded.item is not None


@pytest.mark.parametrize(("kind", "spec"), REFUSED.values(), ids=REFUSED)
def test_our_decoder_refuses_what_is_not(kind: str, spec: Spec) -> None:
    [decoded] = decode_document(object_of(kind, spec))
    assert decoded.item is None
    assert decoded.findings
