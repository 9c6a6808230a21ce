"""What came of cases, for people, for programs, for GitHub and for CI servers."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TextIO
from xml.etree import ElementTree

import click

from proxy.cases.answer import Outcome
from proxy.cases.run import Verdict
from proxy.cli.annotation import annotation
from proxy.cli.check import as_dict
from proxy.cli.excerpt import Excerpts
from proxy.cli.explained import lines
from proxy.cli.page import USUAL
from proxy.resources.problem import Problem, printable


class Report(NamedTuple):
    """All verdicts, in order, and what kept other cases from being run."""

    verdicts: list[Verdict]
    problems: list[Problem]
    verbose: bool = False

    @property
    def passed(self) -> bool:
        return not self.problems and all(verdict.passed for verdict in self.verdicts)

    @property
    def counts(self) -> dict[str, int]:
        results = Counter(map(_result, self.verdicts))
        return {"passed": results["passed"], "failed": results["failed"], "errors": len(self.problems)}


def _result(verdict: Verdict) -> str:
    return "passed" if verdict.passed else "failed"


def why(outcome: Outcome) -> str:
    """The explanation, as `penstock explain` prints it, without colours and policies."""
    told = outcome.explained
    brief = told | {"policies": [], "backends": [one | {"policies": []} for one in told.get("backends", ())]}
    return click.unstyle("\n".join(lines(brief, USUAL)))


# --- text -------------------------------------------------------------------------------------


def write_text(report: Report, stream: TextIO) -> None:
    excerpts = Excerpts(report.problems)
    for problem in report.problems:
        print(problem.headline(), *excerpts.of(problem), sep="\n", file=stream)
        if problem.hint:
            print(f"    hint: {problem.hint}", file=stream)
    for verdict in report.verdicts:
        if report.verbose or not verdict.passed:
            print(f"{verdict.case.place}: {_result(verdict)}: {printable(verdict.case.name)}", file=stream)
        if not verdict.passed:
            print(*(f"    {printable(str(one))}" for one in verdict.differences), sep="\n", file=stream)
            print(*(f"    | {line}".rstrip() for line in why(verdict.outcome).split("\n")), sep="\n", file=stream)
    print(summary(report), file=stream)


def summary(report: Report) -> str:
    """`3 passed, 1 failed, 1 error`; what there is none of is left out, but for passed."""
    passed, failed, errors = report.counts.values()
    words = [f"{passed} passed", f"{failed} failed" if failed else ""]
    words.append(f"{errors} error{'' if errors == 1 else 's'}" if errors else "")
    return ", ".join(filter(None, words))


# --- json, github -----------------------------------------------------------------------------


def write_json(report: Report, stream: TextIO) -> None:
    data = {
        **report.counts,
        "cases": [_data(verdict) for verdict in report.verdicts],
        "problems": [as_dict(problem) for problem in report.problems],
    }
    json.dump(data, stream, indent=2, ensure_ascii=False)
    print(file=stream)


def _data(verdict: Verdict) -> dict[str, Any]:
    case = verdict.case
    return {
        "name": case.name,
        "result": _result(verdict),
        "file": case.file,
        "line": case.line,
        "column": case.column,
        "differences": [one._asdict() for one in verdict.differences],
        "explain": verdict.outcome.explained,
    }


def write_github(report: Report, stream: TextIO) -> None:
    for problem in report.problems:
        words = ": ".join(filter(None, [problem.field, problem.message]))
        print(annotation("error", _place(problem.file, problem.line, problem.column, ""), words), file=stream)
    for verdict in report.verdicts:
        if not verdict.passed:
            case = verdict.case
            place = _place(case.file, case.line, case.column, case.name)
            print(
                annotation("error", place, "\n".join([*map(str, verdict.differences), why(verdict.outcome)])),
                file=stream,
            )
    print(summary(report), file=stream)


def _place(file: str, line: int, column: int, title: str) -> dict[str, str | int]:
    return {"file": file, "line": line, "col": column, "title": title}


# --- junit ------------------------------------------------------------------------------------


def write_junit(report: Report, stream: TextIO) -> None:
    """The XML that CI servers have in common: testsuites, testsuite, testcase with failure or error."""
    counts = report.counts
    tests = sum(counts.values())
    totals = {"tests": str(tests), "failures": str(counts["failed"]), "errors": str(counts["errors"])}
    root = ElementTree.Element("testsuites", totals)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "penstock", **totals})
    suite.extend(_elements(report))
    ElementTree.indent(root)
    print('<?xml version="1.0" encoding="utf-8"?>', file=stream)
    print(ElementTree.tostring(root, encoding="unicode"), file=stream)


def _elements(report: Report) -> Iterator[ElementTree.Element]:
    for problem in report.problems:
        element = _testcase(problem.file, problem.field or "cases", problem.line)
        ElementTree.SubElement(element, "error", {"message": printable(problem.message)}).text = str(problem)
        yield element
    for verdict in report.verdicts:
        element = _testcase(verdict.case.file, verdict.case.name, verdict.case.line)
        if not verdict.passed:
            message = "; ".join(map(str, verdict.differences))
            failure = ElementTree.SubElement(element, "failure", {"message": printable(message)})
            failure.text = "\n".join(map(printable, why(verdict.outcome).split("\n")))
        yield element


def _testcase(file: str, name: str, line: int) -> ElementTree.Element:
    return ElementTree.Element(
        "testcase", {"classname": file, "name": printable(name), "file": file, "line": str(line)}
    )


WRITERS: Final[Mapping[str, Callable[[Report, TextIO], None]]] = {
    "text": write_text,
    "json": write_json,
    "github": write_github,
    "junit": write_junit,
}
