"""How a problem reads, and how fields are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.resources.problem import Path, Problem, dotted, path_of

FULL = Problem(
    "error",
    'got "x"',
    kind="HTTPRoute",
    namespace="shop",
    name="web",
    field="spec.rules[0]",
    hint="say y",
    file="a.yaml",
    line=3,
    column=7,
)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (FULL, 'a.yaml:3:7: error[HTTPRoute/shop/web]: spec.rules[0]: got "x"\n    hint: say y'),
        (Problem("warning", "odd", kind="GatewayClass", name="c"), "warning[GatewayClass/c]: odd"),
        (Problem("notice", "skipped", file="a.yaml", line=2), "a.yaml:2: notice: skipped"),
        (Problem("error", "unreadable", file="a.yaml"), "a.yaml: error: unreadable"),
        (Problem("error", "ä\n\x1b[2J", hint="\r"), "error: ä\\n\\x1b[2J\n    hint: \\r"),
        (Problem("error", "x" * 5000, kind="K", name="n"), f"error[K/n]: {'x' * 1000}…"),
    ],
)
def test_a_problem_says_as_much_as_it_knows(problem: Problem, text: str) -> None:
    assert str(problem) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("spec",), "spec"),
        (("spec", "rules", 0, "matches", 1, "path", "type"), "spec.rules[0].matches[1].path.type"),
        (("metadata", "labels", "a.b/c"), 'metadata.labels["a.b/c"]'),
        (("items", 3, "spec"), "items[3].spec"),
        (("data", "", 'say "a b"', "[0]", "0", "ä"), 'data[""]["say \\"a b\\""]["[0]"].0.ä'),
    ],
)
def test_a_field_is_named_as_a_user_would_type_it(path: Path, text: str) -> None:
    assert dotted(path) == text
    assert path_of(text) == path


@given(st.lists(st.text(max_size=5) | st.text('a."[]/0\\', max_size=5) | st.integers(0, 99), max_size=5))
def test_a_field_leads_back_to_its_path(path: list[str | int]) -> None:
    assert path_of(dotted(tuple(path))) == tuple(path)


def test_problems_sort_by_file_then_line() -> None:
    places = [("b", 1), ("a", 20), ("a", 3)]
    problems = [Problem("error", "", file=file, line=line) for file, line in places]
    assert [(p.file, p.line) for p in sorted(problems, key=lambda p: p.sort_key)] == sorted(places)
