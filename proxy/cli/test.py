"""penstock test: what requests are expected to become, written in YAML, against the tables that serve."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from proxy.cli.loading import explained, load_given, load_once, tell_refusals
from proxy.cli.outside import outside_options
from proxy.cli.source import KUBERNETES, cluster_of, cluster_options

if TYPE_CHECKING:
    from proxy.cases.read import Case, Cases
    from proxy.runtime.load import Candidate
    from proxy.runtime.settings import Cluster, Settings
    from proxy.sources.read import FileBytes
    from proxy.translate.explain.explain import Explained

About = Callable[["Case"], "Explained"]

FORMATS: Final = ("text", "json", "github", "junit")


class Asked:
    """Files and a cluster, as the command line names them, and what names outside may lead to."""

    def __init__(self, arguments: Sequence[str], cluster: "Cluster | None", outside: Mapping[str, Any]) -> None:
        from proxy.cases.read import read_cases
        from proxy.sources.read import Reader

        self.cluster = cluster
        self.outside = outside
        self.files: Sequence[FileBytes] = Reader([one for one in arguments if one != KUBERNETES]).read()
        for file in self.files:
            if file.problem is not None and file.problem.severity == "error":
                raise click.UsageError(str(file.problem))
        self.cases: Cases = read_cases(self.files)

    def chosen(self, words: str) -> "list[Case]":
        """The cases that can be run and whose name has these words. Raises UsageError when there are none."""
        if not self.cases.found:
            raise click.UsageError("no cases: a file with cases has a list named cases (docs/testing.md)")
        chosen = [case for case in self.cases.sound if words.lower() in case.name.lower()]
        if not chosen and not self.cases.problems:
            raise click.UsageError(f"no case has {words!r} in its name")
        return chosen

    def about(self, chosen: "Sequence[Case]") -> About:
        """What is named on the command line is what all cases are about; else each is about its own sources."""
        candidate = self._named()
        if candidate is not None:
            named = explained(candidate)
            return lambda _: named
        homeless = next((case for case in chosen if not case.sources), None)
        if homeless is not None:
            raise click.UsageError(f"{homeless.file} names no sources: name a SOURCE, or write sources: into it")
        own = {case.sources: None for case in chosen}
        asked = {sources: explained(_told(load_once(sources, None, self._started(sources)))) for sources in own}
        return lambda case: asked[case.sources]

    def _named(self) -> "Candidate | None":
        """None when nothing but cases is named."""
        if self.cluster is not None:
            return _told(load_once([KUBERNETES], self.cluster, self._started([KUBERNETES])))
        candidate = load_given(self.files, self._started([file.path for file in self.files]))
        return _told(candidate) if candidate.translation.resources.counts() or candidate.errors else None

    def _started(self, sources: Sequence[str]) -> "Settings":
        from proxy.runtime.settings import Settings

        return Settings(tuple(sources), self.cluster, **self.outside)


def _told(candidate: "Candidate") -> "Candidate":
    """What is wrong is told on stderr and costs no case that does not hang on it."""
    tell_refusals(candidate)
    return candidate


@click.command("test", short_help="Run cases: requests, and what is expected to become of them.")
@click.argument("arguments", nargs=-1, required=True, metavar="SOURCE... CASES...")
@click.option("-k", "words", default="", metavar="WORDS", help="Only the cases that have WORDS in their name.")
@click.option("-v", "--verbose", is_flag=True, help="Name the cases that pass, too.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--format",
    "output",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="For people, for programs, for annotations in GitHub workflows, or for CI servers (JUnit XML).",
)
@outside_options
@cluster_options
def command(
    arguments: tuple[str, ...],
    words: str,
    verbose: bool,
    as_json: bool,
    output: str,
    kubeconfig: str,
    context: str,
    watch_namespaces: tuple[str, ...],
    **outside: Any,
) -> None:
    """Ask the matcher what becomes of requests, and compare it with what is expected.

    CASES are YAML files with a list named cases; they are told from the SOURCE by that. A file of cases may name its
    own sources. Nothing is opened, bound or sent. Exit status: 0 all pass, 1 some do not.
    """
    from proxy.cases.run import run
    from proxy.cli.verdicts import WRITERS, Report

    in_cluster = [KUBERNETES] if KUBERNETES in arguments else []
    asked = Asked(arguments, cluster_of(in_cluster, kubeconfig, context, watch_namespaces), outside)
    chosen = asked.chosen(words)
    report = Report(list(run(chosen, asked.about(chosen))), asked.cases.problems, verbose)
    WRITERS["json" if as_json else output](report, sys.stdout)
    raise SystemExit(0 if report.passed else 1)
