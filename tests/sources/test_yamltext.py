"""One document to values: what is refused, where, and with what advice."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy.sources.malformed import MalformedDocument
from proxy.sources.yamltext import MAX_DEPTH, parse_yaml


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, 'duplicate key "a"', "remove or rename one of the two"),
        ("a:\n  b: 1\n  b: 2\n", 3, 3, 'duplicate key "b"', "remove or rename one of the two"),
        ("1: a\n'1': b\n", 2, 1, 'duplicate key "1"', "remove or rename one of the two"),
        ("a: 1\n\tb: 2\n", 2, 1, "malformed YAML: a tab cannot indent", "indent with spaces"),
        ("a: @b\n", 1, 4, "malformed YAML: a value cannot begin with @", "put the value in quotes"),
        ("a: b: c\n", 1, 5, "malformed YAML: mapping values are not allowed in this context", "quote a value"),
        ("a: [1, 2\nb: 3\n", 2, 2, "malformed YAML: did not find expected ',' or ']'", "a bracket is not closed"),
        ('a: 1\nb: "x\n\n', 2, 4, "malformed YAML: the quote that opens here is never closed", "close the quote"),
        ("a: [1,\n  2\n", 1, 4, "malformed YAML: the bracket that opens here is never closed", "close the bracket"),
        ("a: {{ .x }}\n", 1, 5, "a key must be text, not a list or mapping", "{{ }} marks a template"),
        ("a: 1\n<<<<<<< ours\nb: 1\n=======\nb: 2\n", 2, 1, "a merge conflict is left in the file", "choose one"),
        ("a: *b\n", 1, 4, "unknown anchor *b", "define it with &b above"),
        ("a: &b [*b]\n", 1, 8, "anchor &b contains itself", ""),
        ("a: .inf\n", 1, 4, ".inf is not a number that JSON has", 'quote it if text is meant: ".inf"'),
        ("? [a]\n: b\n", 1, 3, "a key must be text, not a list or mapping", ""),
        ("null: b\n", 1, 1, "a key must be text, not null", "quote it, or remove the line"),
        ("a: 1\n<<: 3\n", 2, 1, "a merge (<<) takes a mapping or a list of mappings", ""),
        ("a: !!int x\n", 1, 4, '"x" is not of type int', ""),
        ("a: !!binary '?'\n", 1, 4, "!!binary wants base64 of UTF-8 text", ""),
        ("ä: ö\nb: \x01\n", 2, 4, "U+0001 (a control character) is not allowed in YAML", "remove it; in double"),
        ("a: \ufffe", 1, 4, "U+FFFE (a control character) is not allowed in YAML", "remove it; in double"),
        ("a: 1\n--- \nb: 1\n", 2, 1, "a second document begins here", "put a line with --- between documents"),
    ],
)
def test_a_refusal_knows_its_place(text: str, line: int, column: int, message: str, hint: str) -> None:
    with pytest.raises(MalformedDocument) as refusal:
        parse_yaml(text)
    refused = refusal.value
    assert (refused.line, refused.column, refused.message) == (line, column, message)
    assert refused.hint.startswith(hint)
    assert bool(refused.hint) == bool(hint)


def test_the_keys_of_a_mapping_win_over_what_it_merges() -> None:
    text = "base: &base {a: 1, b: 1}\nmore: &more {b: 2, c: 2}\nx:\n  <<: [*base, *more]\n  a: 3\n"
    assert parse_yaml(text)["x"] == {"a": 3, "b": 1, "c": 2}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert parse_yaml("'<<': {a: 1}") == {"<<": {"a": 1}}


def test_anchors_work_for_scalars_keys_and_collections() -> None:
    assert parse_yaml("a: &x b\n*x : &y [1]\nc: *y\n") == {"a": "b", "b": [1], "c": [1]}


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "---\n# nothing\n...\n"])
def test_nothing_is_null(text: str) -> None:
    assert parse_yaml(text) is None


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? "])
def test_depth_is_bounded(opening: str) -> None:
    with pytest.raises(MalformedDocument):
        parse_yaml(opening * 50_000)


def test_honest_depth_is_no_problem() -> None:
    parse_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH)


def test_an_alias_bomb_is_refused_before_it_goes_off() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    with pytest.raises(MalformedDocument) as refusal:
        parse_yaml("\n".join(lines))
    assert refusal.value.message == "aliases expand this document by more than 100,000 values"


def test_a_mapping_bomb_is_refused_too() -> None:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [f"a{n}: &a{n} {{b: *a{n - 1}, c: *a{n - 1}}}" for n in range(1, 60)]
    with pytest.raises(MalformedDocument):
        parse_yaml("\n".join(lines))


def test_many_honest_aliases_are_no_bomb() -> None:
    text = "a: &a {x: 1}\nb: [" + ", ".join(["*a"] * 10_000) + "]\n"
    assert len(parse_yaml(text)["b"]) == 10_000


texts = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_characters="\x7f\x85"), max_size=12)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@given(plain_values)
def test_what_is_written_is_read(value: object) -> None:
    assert parse_yaml(yaml.safe_dump(value, default_style='"', allow_unicode=True)) == value


@given(st.text("ab:-[]{}&*!|>'\"#%@,? \n\t<0.", max_size=40))
def test_no_text_brings_anything_but_a_value_or_a_refusal(text: str) -> None:
    try:
        parse_yaml(text)
    except MalformedDocument:
        pass
