"""JSON the quick way is JSON the slow way."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sources.jsontext import NotThisWay, complaint, parse_json
from proxy.sources.yamltext import parse_yaml

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(-1e9, 1e9)
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)


def parsed(text: str) -> list[Any]:
    return [value for value, _ in parse_json(text)]


@given(st.dictionaries(st.text("abc", max_size=3), values, max_size=3))
def test_both_ways_read_the_same(value: dict[str, object]) -> None:
    text = json.dumps(value)
    assert parsed(text) == [parse_yaml(text)]


def test_several_objects_may_follow_each_other() -> None:
    assert parsed('{"a": 1}\n{"b": 2} {"c": 3}\n') == [{"a": 1}, {"b": 2}, {"c": 3}]


def test_each_object_knows_where_it_stands() -> None:
    text = '# not ours\n{"a": 1}\n  {"b":\n 2} {"c": 3}\n'
    parts = [part for _, part in parse_json(text, text.index("\n"))]
    assert [text[part.begin : part.end] for part in parts] == ['{"a": 1}', '{"b":\n 2}', '{"c": 3}']
    assert [(part.line, part.column) for part in parts] == [(2, 1), (3, 3), (4, 5)]


def test_floats_without_a_fraction_are_integers() -> None:
    (value,) = parsed('{"a": 8080.0, "b": 1e3, "c": 0.5}')
    assert value == {"a": 8080, "b": 1000, "c": 0.5}
    assert type(value["a"]) is int


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"a": NaN}', "{a: 1}", '{"a": 1', '{"a": 1} x', '{"a":' * 5000])
def test_what_it_will_not_judge_it_leaves_to_yaml(text: str) -> None:
    with pytest.raises(NotThisWay):
        parse_json(text)


def test_a_complaint_is_about_json() -> None:
    found = complaint('{\n  "a": 1,\n  "b": tru\n}')
    assert found is not None
    assert (found.line, found.column, found.message) == (3, 8, "malformed JSON: Expecting value")
    assert complaint('{"a": 1, "a": 2}') is None
    nested = complaint('{"a":' * 100_000)
    assert nested is not None
    assert nested.message == "nested too deeply"
