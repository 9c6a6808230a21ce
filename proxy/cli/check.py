"""penstock check: says what is wrong with a configuration, as the API server and the controller would.

Nothing is opened, bound or sent: the same load and translation as `run`, and then the findings.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

import click

from proxy.analysis.warnings import find_warnings
from proxy.cli.annotation import annotation
from proxy.cli.excerpt import Excerpts
from proxy.cli.loading import load_once
from proxy.cli.options import TRUSTED
from proxy.cli.outside import outside_options
from proxy.cli.source import cluster_of, cluster_options
from proxy.resources.problem import Problem

if TYPE_CHECKING:
    from proxy.runtime.settings import Cluster, Settings
    from proxy.translate.status.build import ObjectStatus

Format = Literal["text", "json", "github"]
Statuses = Sequence["ObjectStatus"] | None
"""None when nobody asked for them."""


def run_check(
    sources: Sequence[str],
    output: Format,
    status: bool,
    stream: TextIO,
    cluster: "Cluster | None" = None,
    settings: "Settings | None" = None,
) -> int:
    """Writes every problem to `stream`; 1 when one of them is an error, else 0."""
    candidate = load_once(sources, cluster, settings)
    found = find_warnings(candidate.snapshot, candidate.translation.resources)
    problems = in_order((*candidate.problems, *candidate.locate(found)))
    statuses = candidate.statuses if status else None
    WRITERS[output](problems, statuses, len(candidate.translation.resources), stream)
    return 1 if any(problem.severity == "error" for problem in problems) else 0


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By file and line; what is said twice is said once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.sort_key)


# --- text -------------------------------------------------------------------------------------


def write_text(problems: list[Problem], statuses: Statuses, objects: int, stream: TextIO) -> None:
    excerpts = Excerpts(problems)
    for problem in problems:
        print(problem.headline(), file=stream)
        for line in excerpts.of(problem):
            print(line, file=stream)
        if problem.hint:
            print(f"    hint: {problem.hint}", file=stream)
    for line in status_lines(statuses or ()):
        print(line, file=stream)
    print(summary(problems, objects), file=stream)


def summary(problems: Iterable[Problem], objects: int) -> str:
    """`3 objects, 1 error, 2 warnings`: what there is none of is left out, but for errors."""
    counts = [_count(objects, "object")]
    severities = [problem.severity for problem in problems]
    for severity in ("error", "warning", "notice"):
        number = severities.count(severity)
        if number or severity == "error":
            counts.append(_count(number, severity))
    return ", ".join(counts)


def _count(number: int, thing: str) -> str:
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"


# --- json, github -----------------------------------------------------------------------------


def write_json(problems: list[Problem], statuses: Statuses, objects: int, stream: TextIO) -> None:
    report: dict[str, Any] = {
        "objects": objects,
        "problems": [as_dict(problem) for problem in problems],
    }
    if statuses is not None:
        report["statuses"] = [
            {"kind": one.kind, "namespace": one.key.namespace, "name": one.key.name, "status": one.status}
            for one in statuses
        ]
    json.dump(report, stream, indent=2, ensure_ascii=False)
    print(file=stream)


def as_dict(problem: Problem) -> dict[str, Any]:
    """Every field of a problem, for programs."""
    return {name: getattr(problem, name) for name in problem.__struct_fields__}


def write_github(problems: list[Problem], statuses: Statuses, objects: int, stream: TextIO) -> None:
    """Workflow commands, which GitHub shows at the line of the file."""
    for problem in problems:
        place: dict[str, str | int] = {
            "file": problem.file,
            "line": problem.line,
            "col": problem.column,
            "title": problem.object,
        }
        words = ": ".join(filter(None, [problem.field, problem.message]))
        words = f"{words}\nhint: {problem.hint}" if problem.hint else words
        print(annotation(problem.severity, place, words), file=stream)
    for line in status_lines(statuses or ()):
        print(line, file=stream)
    print(summary(problems, objects), file=stream)


WRITERS: Final[dict[Format, Callable[[list[Problem], Statuses, int, TextIO], None]]] = {
    "text": write_text,
    "json": write_json,
    "github": write_github,
}


# --- status -----------------------------------------------------------------------------------


def status_lines(statuses: Iterable["ObjectStatus"]) -> list[str]:
    """Every condition as `Kind/ns/name  [part]  Type=Status  Reason  message`."""
    lines: list[str] = []
    for one in statuses:
        name = f"{one.kind}/{one.key}"
        lines.extend(_conditions(name, "", one.status.get("conditions", ())))
        for listener in one.status.get("listeners", ()):
            lines.extend(_conditions(name, listener["name"], listener.get("conditions", ())))
        for parent in one.status.get("parents", ()):
            lines.extend(_conditions(name, _parent(parent["parentRef"]), parent.get("conditions", ())))
    return lines


def _conditions(name: str, part: str, conditions: Iterable[dict[str, Any]]) -> Iterable[str]:
    for condition in conditions:
        columns = [
            name,
            f"[{part}]" if part else "",
            f"{condition['type']}={condition['status']}",
            condition["reason"],
            condition.get("message", ""),
        ]
        yield "  ".join(filter(None, columns))


def _parent(ref: dict[str, Any]) -> str:
    """`infra/gateway/web:80`, as much of it as the reference names; of what is no Gateway the kind, too."""
    where = "/".join(filter(None, [ref.get("namespace"), ref["name"], ref.get("sectionName")]))
    where = where if ref.get("kind", "Gateway") == "Gateway" else f"{ref['kind']} {where}"
    return f"{where}:{ref['port']}" if ref.get("port") else where


# --- command ----------------------------------------------------------------------------------


@click.command("check", short_help="Validate a configuration and say what is wrong with it.")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--status", is_flag=True, help="Also print every status condition.")
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="For people, for programs, or for annotations in GitHub workflows.",
)
@TRUSTED
@outside_options
@cluster_options
def command(
    sources: tuple[str, ...],
    status: bool,
    output: Format,
    kubeconfig: str,
    context: str,
    watch_namespaces: tuple[str, ...],
    **options: Any,
) -> None:
    """Validate SOURCE... as the API server and the controller would.

    SOURCE is a YAML or JSON file, a directory (read recursively), - for stdin, or kubernetes: for a cluster.
    Exits 0 when nothing is wrong, 1 when there are errors.
    """
    from proxy.runtime.settings import Settings

    cluster = cluster_of(sources, kubeconfig, context, watch_namespaces)
    sys.exit(run_check(sources, output, status, sys.stdout, cluster, Settings(sources, cluster, **options)))
