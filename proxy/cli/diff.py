"""penstock diff: which requests change their answer from one configuration to another, each with a witness."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from proxy.analysis.compare import compare
from proxy.analysis.tell import comparison_data
from proxy.cli.annotation import annotation
from proxy.cli.loading import load_once, load_over
from proxy.cli.outside import outside_options
from proxy.cli.source import KUBERNETES, cluster_of, cluster_options
from proxy.snapshot.describe import budget_words, policy_words

if TYPE_CHECKING:
    from proxy.runtime.load import Candidate
    from proxy.runtime.settings import Settings

Data = dict[str, Any]
Format = Literal["text", "json", "github"]

SHOWN: Final = 50
"""Changes shown to people."""
SAME: Final = "every request is answered as before"


class NothingToCompare(click.ClickException):
    """One of the two cannot be had. The text says why."""

    exit_code = 2


def diff(old: "Settings", new: "Settings", *, endpoints: bool, apply: bool) -> Data:
    """The comparison of what these would serve, as data. Raises NothingToCompare."""
    try:
        before = load_once(old.sources, old.cluster, old)
        after = load_over(old, new.sources) if apply else load_once(new.sources, new.cluster, new)
    except click.UsageError:
        raise
    except click.ClickException as error:
        raise NothingToCompare(error.message) from None
    _tell_errors(old.sources[0], before)
    _tell_errors(new.sources[0], after)
    return comparison_data(compare(before.snapshot, after.snapshot, endpoints=endpoints))


def _tell_errors(name: str, candidate: "Candidate") -> None:
    """What is refused is not served, so that it is compared without; what cannot be read is another matter."""
    for problem in candidate.errors:
        click.echo(str(problem), err=True)
    if unread := sum(not problem.kind for problem in candidate.errors):
        raise NothingToCompare(f"{name}: {unread} of its documents cannot be read, so that nothing can be said of it")


# --- text -------------------------------------------------------------------------------------


def lines(told: Data) -> Iterator[str]:
    """The comparison for people."""
    changes, undecided = told["changes"], told["undecided"]
    if told["same"]:
        yield SAME
    for change in changes[:SHOWN]:
        yield change["request"]["curl"]
        yield f"  - {_spoken(change['old'], change['new'])}"
        yield f"  + {_spoken(change['new'], change['old'])}"
        if change["places"] > 1:
            yield f"  and so in {change['places'] - 1} more place{'s' if change['places'] > 2 else ''}"
        yield ""
    for one in undecided[:SHOWN]:
        yield f"not decided: whether a request changes its answer, {one['why']}"
        yield f"  - {_spoken(one['old'], one['new'])}"
        yield f"  + {_spoken(one['new'], one['old'])}"
        yield ""
    if not told["same"]:
        yield _summary(len(changes), len(undecided))
    for note in told["notes"]:
        yield f"no answer changes by it: {note['listener']}: {note['text']}"


def _summary(changes: int, undecided: int) -> str:
    said = [f"{changes or 'no'} change{'s' * (changes != 1)} of answers"]
    said += [f"{undecided} not decided"] * bool(undecided)
    said += [f"the first {SHOWN} are shown, --format json has all"] * (max(changes, undecided) > SHOWN)
    return ", ".join(said)


def _spoken(outcome: Data, other: Data) -> str:
    """What becomes of a request, in as many words as tell it from the other."""
    what = outcome["outcome"]
    if what == "rule":
        rule = outcome["rule_name"] or outcome["rule"]
        return f"{outcome['route']} rule {rule}: {'; '.join(_effect(outcome, other))}"
    if what == "listener":
        return f"listener {outcome['listener']}" + _listener(outcome, other)
    return {
        "not found": "404: no rule takes it",
        "closed": "closed: no listener takes the server name",
        "misdirected": "421: its host belongs to another listener than the connection",
        "nothing listens": "nothing listens there",
    }[what]


def _listener(outcome: Data, other: Data) -> str:
    words = [f"on {outcome['address']}"] if "address" in outcome else []
    if outcome["clients"] != other.get("clients"):
        clients = outcome["clients"]
        authorities = ", ".join(clients["authorities"]) if clients else ""
        words.append(f"clients checked ({clients['mode']}, by {authorities})" if clients else "clients not checked")
    return "".join(f", {word}" for word in words)


def _effect(outcome: Data, other: Data) -> Iterator[str]:
    """Filters and times only where they differ."""
    if "location" in outcome:
        yield f"{outcome['status']} to {outcome['location']}"
    elif outcome["filters"] != other.get("filters", []) or not outcome["backends"]:
        yield from (_filter(one) for one in outcome["filters"])
    if outcome["backends"]:
        theirs = {one["backend"]: one for one in other.get("backends", [])}
        yield ", ".join(_backend(one, theirs.get(one["backend"])) for one in outcome["backends"])
    if outcome["beside"] != other.get("beside", []):
        yield from (f"beside it {_backend(one, None)}{''.join(_more(one))}" for one in outcome["beside"])
    if policy_words(outcome) != policy_words(other):
        yield from policy_words(outcome) or ["no timeouts, retries and sessions"]


def _filter(one: Data) -> str:
    settings = {name: value for name, value in one.items() if name != "type"}
    return f"{one['type']} {json.dumps(settings, ensure_ascii=False)}" if settings else one["type"]


def _backend(one: Data, other: Data | None) -> str:
    """More than its share and name only where the other side has one of that name, too, and it differs in that."""
    share = "" if one["percent"] == 100 else f"{one['percent']:g} % "
    more = "" if other is None or {**other, "percent": one["percent"]} == one else "".join(_more(one))
    return share + (one["backend"] or "500: no backend") + more


def _more(one: Data) -> Iterator[str]:
    if one["protocol"] not in (None, "http"):
        yield f" by {one['protocol']}"
    if one["tls"] is None:
        yield " in clear text"
    else:
        tls = one["tls"]
        names = "".join(f" or {name}" for name in tls["names"])
        authorities = ", ".join(tls["authorities"]) or "those of the machine"
        yield f" over TLS to {tls['server_name']}{names}, authorities {authorities}"
        yield ", with a certificate" if tls["certificate"] else ""
    if one["retry_budget"]:
        yield f", {budget_words(one['retry_budget'])}"
    if one["endpoints"]:
        yield f" at {', '.join(one['endpoints'])}"
    yield from (f" with {_filter(each)}" for each in one["filters"])


def github_lines(told: Data) -> Iterator[str]:
    """Workflow commands: a warning for each change, which GitHub shows with the run."""
    for change in told["changes"]:
        words = f"{_spoken(change['old'], change['new'])} → {_spoken(change['new'], change['old'])}"
        yield annotation("warning", {"title": change["request"]["curl"]}, words)
    for one in told["undecided"]:
        words = f"{_spoken(one['old'], one['new'])} → {_spoken(one['new'], one['old'])}: {one['why']}"
        yield annotation("warning", {"title": "not decided"}, words)
    yield SAME if told["same"] else _summary(len(told["changes"]), len(told["undecided"]))


# --- command ----------------------------------------------------------------------------------


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="For people, for programs, or for annotations in GitHub workflows.",
)
@click.option(
    "--endpoints", is_flag=True, help="Count the endpoints of Services, which come and go, as part of the answer."
)
@click.option(
    "--apply/--no-apply",
    default=None,
    show_default="--apply when OLD is a cluster and NEW is not",
    help="Lay NEW over OLD as kubectl apply does: what NEW does not name stays.",
)
@outside_options
@cluster_options
def command(
    old: str,
    new: str,
    as_json: bool,
    output: Format,
    endpoints: bool,
    apply: bool | None,
    kubeconfig: str,
    context: str,
    watch_namespaces: tuple[str, ...],
    **outside: Any,
) -> None:
    """Say which requests change their answer when NEW takes the place of OLD.

    OLD and NEW are SOURCEs: a YAML or JSON file, a directory (read recursively), - for stdin, or kubernetes: for a
    cluster. Exit status: 0 every request is answered as before, 1 not, 2 there is nothing to compare.
    """
    from proxy.runtime.settings import Settings

    if old == new == "-":
        raise click.UsageError("only one of OLD and NEW can be stdin")
    apply = (old == KUBERNETES and new != KUBERNETES) if apply is None else apply
    if apply and new == KUBERNETES:
        raise click.UsageError("a cluster cannot be applied to anything; --no-apply compares with it")
    before, after = (
        Settings((source,), cluster_of([source], kubeconfig, context, watch_namespaces), **outside)
        for source in (old, new)
    )
    told = diff(before, after, endpoints=endpoints, apply=apply)
    if as_json or output == "json":
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _print(github_lines(told) if output == "github" else lines(told))
    sys.exit(0 if told["same"] else 1)


def _print(said: Iterator[str] | Sequence[str]) -> None:
    for line in said:
        click.echo(line)
