"""One document to objects and problems, with lines that count from its first."""

import pytest

from proxy.resources.core import ConfigMap
from proxy.sources.parse import parse

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\ndata:\n  a: %s\n"


def test_an_object_knows_the_line_it_begins_on() -> None:
    (entry,) = parse("---\n# a comment\n\n" + MAP % ("m", "x")).entries
    assert isinstance(entry.item, ConfigMap)
    assert entry.line == 4
    assert entry.problems == ()


def test_a_problem_stands_where_the_field_stands() -> None:
    (entry,) = parse("---\n" + MAP % ("m", "yes")).entries
    assert entry.item is None
    (problem,) = entry.problems
    assert (problem.line, problem.column, problem.field) == (7, 6, "data.a")
    assert (problem.kind, problem.namespace, problem.name) == ("ConfigMap", "default", "m")


def test_entries_of_a_list_have_lines_of_their_own() -> None:
    text = """\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: B}
"""
    good, bad = parse(text).entries
    assert (good.name, good.line, good.problems) == ("a", 4, ())
    assert (bad.name, bad.line) == ("B", 5)
    (problem,) = bad.problems
    assert (problem.line, problem.column, problem.field) == (7, 20, "metadata.name")


def test_json_has_lines_when_something_is_wrong() -> None:
    text = '{\n "apiVersion": "v1",\n "kind": "ConfigMap",\n "metadata": {\n  "name": "A"\n }\n}\n'
    (entry,) = parse(text).entries
    assert [(problem.line, problem.column) for problem in entry.problems] == [(5, 11)]


def test_each_of_several_json_objects_has_places_of_its_own() -> None:
    one = '{"apiVersion": "v1", "kind": "ConfigMap",\n "metadata": {"name": "%s"}}'
    good, bad, worse = parse(f"{one % 'a'}\n{one % 'B'} {one % 'C'}\n").entries
    assert [entry.line for entry in (good, bad, worse)] == [1, 3, 4]
    assert [(problem.line, problem.column) for problem in bad.problems] == [(4, 23)]
    assert [(problem.line, problem.column) for problem in worse.problems] == [(5, 23)]
    (mistyped,) = parse('\n{"a": 1}  {"kind": 7}').entries[1:]
    assert [(problem.line, problem.column) for problem in mistyped.problems] == [(2, 11), (2, 20)]


def test_json_after_a_marker_is_json() -> None:
    (entry,) = parse('---\n{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}').entries
    assert entry.name == "a"
    assert entry.problems == ()


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: b: c\n", 1, 5, "malformed YAML: mapping values are not allowed in this context"),
        ('{"a": 1,\n "a": 2}\n', 2, 2, 'duplicate key "a"'),
        ('{"a": 1,\n "b" 2}\n', 2, 6, "malformed JSON: Expecting ':' delimiter"),
        ('{"a": 1,\n "b', 2, 2, "malformed JSON: the quote that opens here is never closed"),
        ('{"a": 1,\n "b": 2\n\n', 2, 8, "malformed JSON: the text ends before the object does"),
        ("a: 1\nb: \0\n", 2, 0, "this is not text: it holds NUL bytes"),
        ("\udcff\udcfea\0:\0", 0, 0, "the file is UTF-16"),
        ("{a: [}\n", 1, 6, "malformed YAML: did not find expected node content"),
        ("a: 1\nb: x\udcff\n", 2, 5, "byte 0xff is not UTF-8"),
    ],
)
def test_what_is_no_document_is_one_problem(text: str, line: int, column: int, message: str) -> None:
    parsed = parse(text)
    assert parsed.entries == ()
    assert parsed.malformed is not None
    assert (parsed.malformed.line, parsed.malformed.column) == (line, column)
    assert parsed.malformed.message.startswith(message)


@pytest.mark.parametrize("text", ["# nothing", "null", "---\n"])
def test_nothing_declares_nothing(text: str) -> None:
    assert parse(text) == ((), None)


def test_text_that_is_no_object_is_a_problem() -> None:
    (entry,) = parse("just words\n").entries
    (problem,) = entry.problems
    assert (problem.line, problem.column) == (1, 1)
    assert 'got "just words" (string), want an object' in problem.message
