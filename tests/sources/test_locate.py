"""Problems that are found after loading are placed at the field they name."""

from pathlib import Path

import pytest

from proxy.resources.core import ConfigMap
from proxy.resources.problem import Problem
from proxy.sources.base import Loaded
from proxy.sources.file import FileSource, load_text

TWO = """\
# a comment
apiVersion: v1
kind: ConfigMap
metadata: {name: first}
data:
  a: x
  "b.c": z
---
# another
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: second
data:
  läden: x
"""

A_LIST = """\
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: first}
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: second}
  data:
    a: x
"""

JSON = """\
{"apiVersion": "v1", "kind": "ConfigMap",
 "metadata": {"name": "first"}}
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "second"},
 "data": {"a": "x"}}
"""

JSON_LIST = """\
{"apiVersion": "v1", "kind": "List", "items": [
 {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "first"}},
 {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "second"},
  "data": {"a": "x"}}]}
"""


def about(loaded: Loaded, name: str, field: str) -> Problem:
    """As translation reports it: with the line of the object and no more."""
    item = loaded.resources.get(ConfigMap, "default", name)
    assert item is not None
    file, line = loaded.resources.origin(item)
    return Problem(
        "error", "wrong", kind="ConfigMap", namespace="default", name=name, field=field, file=file, line=line
    )


@pytest.mark.parametrize(
    ("text", "name", "field", "place"),
    [
        (TWO, "first", "data.a", (6, 6)),
        (TWO, "first", 'data["b.c"]', (7, 10)),
        (TWO, "second", "data.läden", (16, 10)),
        ("\ufeff" + TWO, "second", "data.läden", (16, 10)),
        (TWO.replace("\n", "\r\n"), "second", "data.läden", (16, 10)),
        (TWO, "second", "", (14, 9)),
        (A_LIST, "second", "data.a", (12, 8)),
        (A_LIST, "second", "data", (11, 3)),
        (JSON, "first", "metadata.name", (2, 23)),
        (JSON, "second", "data.a", (4, 16)),
        (JSON_LIST, "second", "data.a", (4, 17)),
    ],
)
def test_a_field_is_found_by_object_and_path(text: str, name: str, field: str, place: tuple[int, int]) -> None:
    loaded = load_text(text)
    (placed,) = loaded.place([about(loaded, name, field)])
    assert (placed.line, placed.column) == place


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("data.b", (5, 1)),
        ("data.a.b[3].c", (6, 6)),
        ("metadata.labels.x", (4, 11)),
        ("spec.rules[0]", (2, 1)),
    ],
)
def test_what_the_document_does_not_hold_is_shown_at_what_is_around_it(field: str, place: tuple[int, int]) -> None:
    loaded = load_text(TWO)
    (placed,) = loaded.place([about(loaded, "first", field)])
    assert (placed.line, placed.column, placed.field) == (*place, field)


def test_order_and_words_stay_and_what_has_a_place_keeps_it() -> None:
    loaded = load_text(TWO)
    problems = [
        about(loaded, "second", "data.läden"),
        Problem("warning", "about nothing in particular"),
        Problem("error", "placed already", kind="ConfigMap", name="first", file="<text>", line=3, column=7),
        Problem("error", "of another file", kind="ConfigMap", namespace="default", name="first", file="b", line=1),
        about(loaded, "first", "data.a"),
    ]
    placed = loaded.place(problems)
    assert [(one.message, one.line, one.column) for one in placed] == [
        ("wrong", 16, 10),
        ("about nothing in particular", 0, 0),
        ("placed already", 3, 7),
        ("of another file", 1, 0),
        ("wrong", 6, 6),
    ]


def test_equal_documents_are_told_apart_by_their_lines() -> None:
    loaded = load_text(f"{TWO}---\n{TWO}")
    first, second = loaded.place(loaded.problems)
    assert (first.line, second.line) == (21, 31)
    assert {problem.column for problem in (first, second)} == {18, 9}


def test_a_file_source_reads_the_file_again(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(TWO)
    loaded = FileSource([str(path)]).load()
    (placed,) = loaded.place([about(loaded, "first", "data.a")])
    assert str(placed) == f"{path}:6:6: error[ConfigMap/default/first]: data.a: wrong"


def test_a_file_that_has_changed_since_is_not_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(TWO)
    loaded = FileSource([str(path)]).load()
    problem = about(loaded, "first", "data.a")
    path.write_text(f"\n\n{TWO}")
    assert loaded.place([problem]) == (problem,)
    path.unlink()
    assert loaded.place([problem]) == (problem,)


def test_the_last_good_version_stands_nowhere_any_more(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(TWO)
    source = FileSource([str(path)])
    source.load()
    path.write_text(TWO.replace("a: x", "a: 7"))
    loaded = source.load()
    problem = about(loaded, "first", "data.a")
    assert loaded.place([problem]) == (problem,)
