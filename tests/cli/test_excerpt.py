"""The line that a problem is about, and the caret below it."""

from pathlib import Path

import pytest

from proxy.cli.excerpt import WIDTH, Excerpts
from proxy.resources.problem import Problem


def excerpt(path: Path, content: bytes | str, line: int, column: int, kind: str = "Service") -> list[str]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    problem = Problem("error", "wrong", kind=kind, file=str(path), line=line, column=column)
    return Excerpts([problem]).of(problem)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.yaml"


@pytest.mark.parametrize(
    ("content", "line", "column", "shown"),
    [
        ("a: 1\nb: two\n", 2, 4, ["b: two", "   ^"]),
        ("a: 1\r\nb: two\r\n", 2, 4, ["b: two", "   ^"]),
        ("\ufeffa: one", 1, 4, ["a: one", "   ^"]),
        ("\ta: one", 1, 5, ["\ta: one", "\t   ^"]),
        ("{店: x}", 1, 5, ["{店: x}", "     ^"]),
        (b"a: f\xfcr\n", 1, 5, ["a: f�r", "    ^"]),
        ('a: "\x1b[2J"', 1, 4, ['a: "�[2J"', "   ^"]),
        ('{"a": 1', 1, 8, ['{"a": 1', "       ^"]),
        ("a: 1\x0c\u2028b: 2\nc: 3\n", 2, 1, ["c: 3", "^"]),
    ],
)
def test_the_caret_stands_below_the_place(
    path: Path, content: bytes | str, line: int, column: int, shown: list[str]
) -> None:
    assert excerpt(path, content, line, column) == [f"     {line} | {shown[0]}", f"       | {shown[1]}"]


@pytest.mark.parametrize("place", [(0, 0), (1, 0), (1, 9), (3, 1)])
def test_without_a_place_there_is_no_excerpt(path: Path, place: tuple[int, int]) -> None:
    assert excerpt(path, "a: 1\n\n", *place) == []


def test_without_a_file_there_is_no_excerpt(tmp_path: Path) -> None:
    for name in (str(tmp_path / "gone.yaml"), str(tmp_path), "<stdin>", ""):
        problem = Problem("error", "wrong", file=name, line=1, column=1)
        assert Excerpts([problem]).of(problem) == []


@pytest.mark.parametrize("before", [0, 3, 1000, 9_990])
def test_of_a_long_line_what_is_around_the_place_is_shown(path: Path, before: int) -> None:
    line, caret = excerpt(path, "x" * before + "!" + "y" * (10_000 - before), 1, before + 1)
    assert line[caret.index("^")] == "!"
    assert len(line) == len("     1 | ") + WIDTH
    assert (line[9] == "…", line[-1] == "…") == (before > WIDTH, before < 9_900)


def test_the_file_is_read_once(path: Path) -> None:
    path.write_text("a: 1\nb: 2\n")
    problems = [Problem("error", "wrong", file=str(path), line=line, column=1) for line in (1, 2)]
    excerpts = Excerpts(problems)
    first = excerpts.of(problems[0])
    path.unlink()
    assert first[0].endswith("a: 1")
    assert excerpts.of(problems[1])[0].endswith("b: 2")


@pytest.mark.parametrize(("kind", "is_shown"), [("Secret", False), ("ConfigMap", True), ("", False)])
def test_what_may_be_a_secret_is_not_shown(path: Path, kind: str, is_shown: bool) -> None:
    assert bool(excerpt(path, "pin: 4711\n---\nkind: Secret\n", 1, 1, kind)) is is_shown
