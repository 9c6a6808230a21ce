"""Bad input, all of it: every field of every kind, one after another, with every value that it must not have.

The world (`world.py`) has each field once. One is changed at a time, and whatever it is changed to: no exception, the
neighbours serve on as they did, and what is wrong is said of the object that is wrong, at the field, with what to do.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.resources.problem import Path, Problem, dotted
from proxy.snapshot.delta import apply, decode_delta, difference, encode_delta
from tests.spec.declared import Declared
from tests.spec.test_attachment import conditions_of
from tests.spec.world import KINDS, World, world

GONE = object()
"""In place of a value: the field is left out."""


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Of every field and entry below."""
    if at:
        yield at
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in entries:
        yield from paths(below, (*at, step))


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def mistyped(value: Any) -> dict[str, Any]:
    """Values that no field of this type takes."""
    if isinstance(value, bool):
        return {"text": "maybe", "number": 7, "list": [value]}
    if isinstance(value, int):
        return {"text": "x", "fraction": 1.5, "bool": True, "negative": -1, "beyond": 2**70}
    if isinstance(value, str):
        return {"number": 7, "object": {"a": 1}, "list": [value]}
    if isinstance(value, list):
        return {"text": "x", "object": {"a": 1}, "nested": [value], "nothing": [None]}
    return {"text": "x", "list": [value], "unknown": {**value, "odd": {"a": 1}}}


def unusual(value: Any) -> dict[str, Any]:
    """Values of the right type; most are none that the field may have."""
    if isinstance(value, bool):
        return {}
    if isinstance(value, int):
        return {"zero": 0, "huge": 10**12}
    if isinstance(value, str):
        return {"long": "x" * 5000, "space": f"{value} ", "odd": "ü\x00\n", "other": "NoSuchValue"}
    return {"many": value * 100} if isinstance(value, list) else {}


ALLOWED = {
    # what the API allows, by the field: nothing need be said
    "zero": ["*.generation", "*.percent", "*.numerator"],
    "huge": ["*.generation", "*.attempts"],
    "long": ["metadata.annotations.*"],
    "space": ["*annotations.*", "*.uri", "*.queryParams?0?.value", "*.replacePrefixMatch", "*.replaceFullPath"],
    "odd": ["*annotations.*", "*.queryParams?0?.value", "*.replacePrefixMatch", "*.replaceFullPath"],
    "other": ["*labels.*", "*annotations.*", "*.matchExpressions?0?.key", "*.values?0?", "*.matches?0?.headers?0?.*",
              "*.matches?0?.queryParams?0?.*", "*HeaderModifier.*", "*.cors.*Headers?0?", "*.replacePrefixMatch",
              "*.replaceFullPath"],
    "many": ["*.matchExpressions", "*.values"],
}  # fmt: skip
UNUSED = "spec.tls.frontend.default.*"
"""The port of the only HTTPS listeners has an entry of its own, so nothing is asked of where the default leads."""


def changed(index: int, path: Path, value: Any) -> World:
    objects = world()
    holder = at(objects[index], path[:-1])
    if value is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return objects


def calm(declared: Declared) -> tuple[Any, ...]:
    """All that is served and said of the neighbours."""
    snapshot = declared.translation.snapshot
    return (
        {(each.kind, each.key): each.status for each in declared.translation.statuses if each.key.namespace == "calm"},
        {key: bucket for key, bucket in snapshot.buckets.items() if key[0].startswith("calm/")},
        {key: upstream for key, upstream in snapshot.upstreams.items() if key.startswith("calm/")},
        [bind for bind in snapshot.binds if bind.address == "127.0.0.9"],
    )


SOUND = world()
UNDISTURBED = calm(Declared(SOUND))
REASON = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?")


def check_outcome(declared: Declared) -> None:
    """What holds whatever was declared."""
    assert calm(declared) == UNDISTURBED
    snapshot = declared.translation.snapshot
    assert apply(None, decode_delta(encode_delta(difference(None, snapshot)))) == snapshot
    for each in declared.translation.statuses:
        msgspec.json.encode(each.status)
        for condition in conditions_of(each.status):
            assert REASON.fullmatch(str(condition["reason"])), condition
            assert condition["message"] and len(str(condition["message"])) <= 32768
    for problem in (*declared.loaded.problems, *declared.translation.problems):
        assert problem.message and problem.kind and problem.line, problem


def found(declared: Declared) -> list[Problem]:
    return [*declared.loaded.problems, *declared.translation.problems]


REMEDY = re.compile(
    "want|at most|at least|required|needs|listed twice|not allowed|is not |cannot|must|unknown field|is the name of"
)
"""A message without a hint says by itself what would be right."""


def complaints(problems: list[Problem], kind: str, path: Path) -> list[Problem]:
    """Those that say what is wrong with the field, or with what is in it, and what to do about it."""
    field = dotted(path)
    return [
        each
        for each in problems
        if each.kind == kind and each.field.startswith(field) and (each.hint or REMEDY.search(each.message))
    ]


def is_lost(declared: Declared, index: int) -> bool:
    """A policy whose targets can be read stays as one that nobody can follow: no clear text for its Service."""
    kind, name = KINDS[index], SOUND[index]["metadata"]["name"]
    if not declared.has_status(kind, name):
        return True
    return kind == "BackendTLSPolicy" and declared.said(kind, name)["Accepted"] == "False Invalid"


FIELDS = [
    (index, (part, *path))
    for index in range(len(KINDS))
    for part in ("metadata", "spec")
    for path in ((), *paths(SOUND[index][part]))
]
FREE = [
    "metadata.labels",
    "metadata.annotations",
    "*.infrastructure.labels",
    "*.infrastructure.annotations",
    "*.matchLabels",
]
"""Keys are anybody's there."""


@pytest.mark.parametrize("index", range(len(KINDS)), ids=KINDS)
def test_a_value_of_the_wrong_type_is_named_and_costs_its_object_alone(index: int) -> None:
    kind, wrong = KINDS[index], []
    for _, path in (each for each in FIELDS if each[0] == index):
        for name, value in mistyped(at(SOUND[index], path)).items():
            declared = Declared(changed(index, path, value))
            check_outcome(declared)
            field = dotted(path)
            if name == "unknown" and any(fnmatchcase(field, free) for free in FREE):
                told = complaints(found(declared), kind, (*path, "odd"))
            else:
                told = complaints(found(declared), kind, path)
            lost = path[0] == "metadata" or is_lost(declared, index)
            if not lost or all(each.severity != "error" for each in told):
                wrong.append((field, name, declared.problems))
    assert wrong == []


@pytest.mark.parametrize("index", range(len(KINDS)), ids=KINDS)
def test_a_value_that_a_field_may_not_have_is_named(index: int) -> None:
    wrong = []
    for _, path in (each for each in FIELDS if each[0] == index):
        for name, value in unusual(at(SOUND[index], path)).items():
            declared = Declared(changed(index, path, value))
            check_outcome(declared)
            field = dotted(path)
            allowed = any(fnmatchcase(field, each) for each in (*ALLOWED[name], UNUSED))
            if not allowed and not found(declared):
                wrong.append((field, name))
    assert wrong == []


@pytest.mark.parametrize("index", range(len(KINDS)), ids=KINDS)
def test_what_is_left_out_is_required_or_has_a_default_and_null_is_as_good_as_absent(index: int) -> None:
    for _, path in (each for each in FIELDS if each[0] == index):
        left_out, null = (Declared(changed(index, path, value)) for value in (GONE, None))
        check_outcome(left_out)
        check_outcome(null)
        if isinstance(path[-1], str) and not any(fnmatchcase(dotted(path[:-1]), each) for each in FREE):
            assert told_of(left_out) == told_of(null), dotted(path)


def told_of(declared: Declared) -> set[tuple[str, str]]:
    return {(each.field, each.severity) for each in found(declared)}


# --- several at once ------------------------------------------------------------------------------------

LIKELY = ["Gateway", "*", "/", "http", "Exact", "127.0.0.9", "a.example.com", "10s"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(LIKELY),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["name", "type", "value", "odd"]), inner, max_size=3),
    ),
    max_leaves=4,
)
CHANGE = st.tuples(st.sampled_from(FIELDS), st.one_of(st.just(GONE), VALUES))


@settings(max_examples=150)
@given(st.lists(CHANGE, min_size=1, max_size=4))
def test_whatever_is_changed_to_whatever(changes: list[tuple[tuple[int, Path], Any]]) -> None:
    """Several fields at once, and values that are nothing at all."""
    objects = world()
    for (index, path), value in changes:
        try:
            holder = at(objects[index], path[:-1])
            if value is GONE:
                del holder[path[-1]]
            else:
                holder[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took it away
    declared = Declared(objects)
    snapshot = declared.translation.snapshot
    assert apply(None, decode_delta(encode_delta(difference(None, snapshot)))) == snapshot
    assert calm(declared)[0].keys() == UNDISTURBED[0].keys()
    assert {key for key in snapshot.buckets if key[0].startswith("calm/")} == set(UNDISTURBED[1])
