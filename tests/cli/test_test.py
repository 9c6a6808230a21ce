"""`penstock test`: cases in, verdicts out."""

import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from proxy.cli.main import main

ROOT = Path(__file__).parent.parent.parent
CONFIG = ROOT / "config"
EXAMPLES = sorted((CONFIG / "cases").glob("*.yaml"))

ROUTES = (CONFIG / "headers-and-query.yaml").read_text()
CASES = """
cases:
  - name: reads go to the reader
    request: http://a/users
    expect: {backend: reader}
  - name: writes go to the reader, too
    request: POST http://a/users
    expect: {backend: reader}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes.yaml").write_text(ROUTES)
    (tmp_path / "cases.yaml").write_text(CASES)
    return tmp_path


def run(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["test", *arguments], input=io.BytesIO(stdin.encode()))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_hold(example: Path) -> None:
    done = run(str(example))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith(" passed\n")


def test_the_examples_can_be_given_as_a_folder() -> None:
    assert run(str(CONFIG / "cases")).exit_code == 0


WHY = """\
    | POST http://a/users
    |   port 8080, listener default/web/http
    |   default/users rule 1 (writes) match 0 [* POST PathPrefix /users] answers
"""


def test_a_case_that_fails_is_told_with_its_place_and_the_explanation(folder: Path) -> None:
    done = run("routes.yaml", "cases.yaml")
    assert done.exit_code == 1
    head, *_ = done.stdout.partition("    | ")
    assert head.splitlines() == [
        "cases.yaml:6:5: failed: writes go to the reader, too",
        "    backend: expected default/reader, got default/writer",
    ]
    assert WHY in done.stdout
    assert done.stdout.splitlines()[-1] == "1 passed, 1 failed"


@pytest.mark.parametrize("arguments", [("cases.yaml", "routes.yaml"), (".",), ("routes.yaml", "-")])
def test_cases_are_told_from_sources_by_what_they_hold(folder: Path, arguments: tuple[str, ...]) -> None:
    if "-" in arguments:
        (folder / "cases.yaml").unlink()
    assert run(*arguments, stdin=CASES).stdout.splitlines()[-1] == "1 passed, 1 failed"


def test_both_may_stand_in_one_file(folder: Path) -> None:
    (folder / "both.yaml").write_text(f"{ROUTES}\n---{CASES}")
    assert run("both.yaml").stdout.splitlines()[-1] == "1 passed, 1 failed"


def test_a_source_that_is_named_takes_the_place_of_the_cases_own(folder: Path) -> None:
    (folder / "cases.yaml").write_text(f"sources: [routes.yaml]\n{CASES}")
    assert run("cases.yaml").exit_code == 1
    (folder / "new.yaml").write_text(ROUTES.replace("port: 18082", "port: 18083").replace("writer", "reader", 1))
    assert run("new.yaml", "cases.yaml").exit_code == 0


def test_words_choose_cases(folder: Path) -> None:
    assert run("routes.yaml", "cases.yaml", "-k", "READS go").stdout == "1 passed\n"
    done = run("routes.yaml", "cases.yaml", "-k", "nothing")
    assert (done.exit_code, "no case has 'nothing' in its name" in done.stderr) == (2, True)


def test_verbose_names_those_that_pass(folder: Path) -> None:
    said = run("routes.yaml", "cases.yaml", "-v").stdout.splitlines()
    assert said[0] == "cases.yaml:3:5: passed: reads go to the reader"


def test_what_is_wrong_with_a_case_fails_the_run_and_no_other_case(folder: Path) -> None:
    (folder / "cases.yaml").write_text(CASES.replace("POST http://a/users\n    expect", "http://a/users\n    expects"))
    done = run("routes.yaml", "cases.yaml")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "cases.yaml:6:5: error: cases[1].expect: required, but missing",
        "     6 |   - name: writes go to the reader, too",
        "       |     ^",
        "cases.yaml:8:5: error: cases[1].expects: unknown field",
        "     8 |     expects: {backend: reader}",
        "       |     ^",
        "    hint: did you mean expect?",
        "1 passed, 2 errors",
    ]


def test_errors_of_the_configuration_are_told_and_cost_no_case_that_does_not_hang_on_them(folder: Path) -> None:
    (folder / "routes.yaml").write_text(ROUTES + "---\napiVersion: v1\nkind: Service\nmetadata: {nam: x}\n")
    done = run("routes.yaml", "cases.yaml", "-k", "reads")
    assert (done.exit_code, done.stdout) == (0, "1 passed\n")
    assert "metadata.nam: unknown field" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["routes.yaml"], "no cases: a file with cases has a list named cases"),
        (["cases.yaml"], "cases.yaml names no sources: name a SOURCE, or write sources: into it"),
        (["routes.yaml", "missing.yaml"], "missing.yaml: error: cannot be read: no such file or directory"),
        (["cases.yaml", "--format", "xml"], "Invalid value for '--format'"),
        ([], "Missing argument"),
    ],
)
def test_a_usage_error_is_2(folder: Path, arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_json_holds_every_case_with_its_explanation(folder: Path) -> None:
    (folder / "cases.yaml").write_text(CASES + "  - {name: bad}\n")
    done = run("routes.yaml", "cases.yaml", "--json")
    assert done.stdout == run("routes.yaml", "cases.yaml", "--format", "json").stdout
    data: dict[str, Any] = json.loads(done.stdout)
    assert (data["passed"], data["failed"], data["errors"]) == (1, 1, 2)
    assert [(one["name"], one["result"], one["line"]) for one in data["cases"]] == [
        ("reads go to the reader", "passed", 3),
        ("writes go to the reader, too", "failed", 6),
    ]
    [difference] = data["cases"][1]["differences"]
    assert difference == {"field": "backend", "expected": "default/reader", "got": "default/writer"}
    assert data["cases"][0]["explain"]["winner"]["rule_name"] == "everything-else"
    assert [problem["line"] for problem in data["problems"]] == [9, 9]


def test_github_shows_failures_at_their_line(folder: Path) -> None:
    (folder / "cases.yaml").write_text(CASES + "  - {name: bad, request: http://a/, expects: 1, expect: {rule: 0}}\n")
    *annotations, summary = run("routes.yaml", "cases.yaml", "--format", "github").stdout.splitlines()
    assert [one.partition("::")[2].partition("::")[0] for one in annotations] == [
        "error file=cases.yaml,line=9,col=37",
        "error file=cases.yaml,line=6,col=5,title=writes go to the reader%2C too",
    ]
    assert "%0APOST http://a/users%0A" in annotations[1]
    assert summary == "1 passed, 1 failed, 1 error"


def test_junit_is_what_ci_servers_read(folder: Path) -> None:
    (folder / "cases.yaml").write_text(CASES + "  - {name: bad, request: http://a/, expects: 1, expect: {rule: 0}}\n")
    root = ElementTree.fromstring(run("routes.yaml", "cases.yaml", "--format", "junit").stdout)
    [suite] = root
    for element in (root, suite):
        assert [element.get(name) for name in ("tests", "failures", "errors")] == ["3", "1", "1"]
    by_name = {case.get("name"): case for case in suite}
    assert [child.tag for case in suite for child in case] == ["error", "failure"]
    failure = by_name["writes go to the reader, too"].find("failure")
    assert failure is not None
    assert failure.get("message") == "backend: expected default/reader, got default/writer"
    assert str(failure.text).startswith("POST http://a/users\n")
    assert list(by_name["reads go to the reader"]) == []


def test_nothing_that_a_terminal_would_obey_is_printed(folder: Path) -> None:
    (folder / "cases.yaml").write_text('cases: [{name: "\\e[31m", request: http://a/users, expect: {path: "\\e[2J"}}]')
    for form in ("text", "junit"):
        assert "\x1b" not in run("routes.yaml", "cases.yaml", "--format", form).stdout


@pytest.mark.parametrize("own", [True, False])
def test_names_outside_may_lead_where_the_options_let_them(own: bool, folder: Path) -> None:
    source = str(CONFIG / "external-name.yaml")
    cases = "cases: [{name: goes out, request: 'http://a:8080/', expect: {backend: 'partner:443'}}]"
    (folder / "cases.yaml").write_text(f"sources: [{source}]\n{cases}" if own else cases)
    arguments = ["cases.yaml"] if own else ["cases.yaml", source]
    assert run(*arguments).exit_code == 1
    assert run(*arguments, "--allow-external-name").exit_code == 0
