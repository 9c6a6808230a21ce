"""penstock explain: which rule takes a request, and why, without sending it anywhere."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from proxy.cli.loading import load_snapshot
from proxy.cli.source import cluster_of, cluster_options
from proxy.snapshot.describe import match_words, policy_words
from proxy.snapshot.explain import explain_request
from proxy.snapshot.question import Asked, BadQuestion

if TYPE_CHECKING:
    from proxy.runtime.settings import Cluster

Data = dict[str, Any]


def explain(sources: Sequence[str], asked: Asked, cluster: "Cluster | None" = None) -> Data:
    """The explanation of one request as data. Raises BadQuestion."""
    return explain_request(load_snapshot(sources, cluster), asked)


def lines(told: Data) -> Iterator[str]:
    """The explanation for people."""
    yield f"{told['request']['method']} {told['request']['url']}"
    if told["tls"] is not None:
        name = told["tls"]["server_name"] or "no server name"
        yield f"  TLS: {name} chooses listener {told['tls']['listener']}"
        yield from _clients(told["tls"]["clients"])
    if "refused" in told:
        yield f"  refused before any rule is asked: {told['refused']}"
        return
    yield f"  port {told['port']}, listener {told['listener'] or 'none: no hostname takes this host'}"
    if told["winner"] is None:
        yield "  no rule answers: 404"
        yield from _near_misses(told["near_misses"])
    else:
        yield f"  {_named(told['winner'])} answers"
        yield from _outcome(told)
        yield from _candidates(told["candidates"])


def _clients(mode: str | None) -> Iterator[str]:
    """That a request came so far does not say that its client was let in."""
    if mode is not None:
        without = "kept out" if mode == "AllowValidOnly" else "let in all the same"
        yield f"  clients are asked for a certificate ({mode}): those without a valid one are {without}"


def _outcome(told: Data) -> Iterator[str]:
    yield from _filters(told)
    yield from _result(told)
    yield from _policy(told)
    if "answer" not in told and not told["backends"]:
        yield "  no backend: 500"
    for backend in told["backends"]:
        where = f"invalid, answers 500: {backend['invalid']}" if backend["invalid"] else _endpoints(backend)
        yield f"  {backend['percent']:g} % to {backend['backend']} ({where})"
        if backend["filters"]:
            yield from ("  " + line for line in (*_filters(backend), *_result(backend)))


def _policy(told: Data) -> Iterator[str]:
    """What the rule says of time, unless the request never leaves the gateway."""
    if "answer" not in told:
        yield from (f"  {words}" for words in policy_words(told))


def _endpoints(backend: Data) -> str:
    if not backend["endpoints"]:
        return "no ready endpoint: 503"
    over = f", over TLS to {backend['tls']['server_name']}" if backend["tls"] else ""
    return ", ".join(backend["endpoints"]) + over


def _filters(told: Data) -> Iterator[str]:
    for place, one in enumerate(told["filters"], 1):
        settings = {name: value for name, value in one.items() if name != "type"}
        yield f"  filter {place}: {one['type']} {json.dumps(settings, ensure_ascii=False)}"


def _result(told: Data) -> Iterator[str]:
    if "answer" in told:
        answer = told["answer"]
        why = answer.get("reason") or (f"Location: {answer['location']}" if answer["location"] else "")
        yield f"  answered here with {answer['status']}" + (f", {why}" if why else "")
        yield from (f"    {name}: {value}" for name, value in answer.get("headers", ()))
    else:
        yield f"  forwards {told['target']} with Host: {told['host']}"


def _candidates(candidates: Sequence[Data]) -> Iterator[str]:
    yield "candidates, in order of precedence"
    for place, one in enumerate(candidates, 1):
        why = f"; before the next by {one['decided_by']}" if one["decided_by"] else ""
        yield f"  {place}. {_named(one)}{why}"


def _near_misses(misses: Sequence[Data]) -> Iterator[str]:
    if misses:
        yield "near misses"
    for one in misses:
        yield f"  {_named(one)}: {one['detail']}"


def _named(one: Data) -> str:
    rule = f"rule {one['rule']}" + (f" ({one['rule_name']})" if one["rule_name"] else "")
    return f"{one['route']} {rule} match {one['match']} [{one['hostname']} {match_words(one['conditions'])}]"


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{text!r} is not of the form 'name: value'", param_hint="-H")
    return name, value


@click.command("explain")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE... URL")
@click.option("-X", "--request", "method", default="GET", show_default=True, help="The method.")
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header. Repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
@cluster_options
def command(sources: tuple[str, ...], method: str, headers: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Say which rule takes a request, and why.

    The last argument is the URL; its port is a declared one. Exit status: 0 a rule answers, 1 none does.
    """
    *places, url = sources
    if not places:
        raise click.UsageError("needs a SOURCE and a URL")
    asked = Asked(method, url, tuple(_header(text) for text in headers))
    try:
        told = explain(places, asked, cluster_of(places, **options))
    except BadQuestion as error:
        raise click.UsageError(str(error)) from None
    click.echo(json.dumps(told, indent=2, ensure_ascii=False) if as_json else "\n".join(lines(told)))
    raise SystemExit(0 if told["winner"] else 1)
