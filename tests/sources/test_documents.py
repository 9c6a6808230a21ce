"""Splitting a file without parsing it."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy.sources.documents import split
from proxy.sources.malformed import MalformedDocument
from proxy.sources.yamltext import parse_yaml


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("", []),
        ("\n# nothing\n---\n---\n# here\n", []),
        ("a: 1\n", [(1, "a: 1\n")]),
        ("a: 1\n---\nb: 2\n", [(1, "a: 1\n"), (3, "b: 2\n")]),
        ("---\na: 1\n---\n\nb: 2\n", [(2, "a: 1\n"), (4, "\nb: 2\n")]),
        ("--- {a: 1}\n--- {b: 2}\n", [(1, "--- {a: 1}\n"), (2, "--- {b: 2}\n")]),
        ("a: 1\r\n---\r\nb: 2\r\n", [(1, "a: 1\r\n"), (3, "b: 2\r\n")]),
        ("a: |\n  ---\n  x\n", [(1, "a: |\n  ---\n  x\n")]),
        ("a: |\n  x\n---\nb: 1\n", [(1, "a: |\n  x\n"), (4, "b: 1\n")]),
        ("----\n", [(1, "----\n")]),
        ("---a\n", [(1, "---a\n")]),
        ("a: 1\n...\nb: 2\n", [(1, "a: 1\n"), (3, "b: 2\n")]),
        ("a: 1\n...\n---\nb: 2\n", [(1, "a: 1\n"), (4, "b: 2\n")]),
        ("%YAML 1.1\n---\na: 1\n", [(3, "a: 1\n")]),
        ("\ufeffa: 1\n", [(1, "a: 1\n")]),
        ("a: 1\n---", [(1, "a: 1\n")]),
    ],
)
def test_a_file_falls_into_its_documents(text: str, documents: list[tuple[int, str]]) -> None:
    found = list(split(text))
    assert [(document.line, document.text) for document in found] == documents
    assert [text[each.begin : each.begin + len(each.text)] for each in found] == [each for _, each in documents]


def test_the_digest_is_of_the_text_alone() -> None:
    first, second, third = split("--- a\n--- b\n--- a\n")
    assert first.digest == third.digest != second.digest
    assert first.line != third.line


def test_the_first_document_may_do_without_a_marker() -> None:
    assert next(split("a: 1\n")).digest == next(split("---\na: 1\n")).digest


def test_bytes_that_are_no_utf8_can_be_split_too() -> None:
    text = b"a: \xff\n---\nb: 1\n".decode("utf-8", "surrogateescape")
    assert len(list(split(text))) == 2


lines = st.sampled_from(["---", "--- # x", "a: 1", "b: |", "  text", "  ---", "- x", "# c", "", "...", "'q", "q'"])


@given(st.lists(lines, max_size=8))
def test_the_parts_mean_what_the_whole_means(chosen: list[str]) -> None:
    """When PyYAML reads the whole file, our parts hold the same values."""
    text = "\n".join(chosen) + "\n"
    try:
        whole = [value for value in yaml.safe_load_all(text) if value is not None]
    except yaml.YAMLError:
        return
    parts = []
    for document in split(text):
        try:
            parts.append(parse_yaml(document.text))
        except MalformedDocument as refusal:
            assert "duplicate key" in refusal.message
            return
    assert [part for part in parts if part is not None] == whole
