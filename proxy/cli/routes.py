"""penstock routes: the effective table, in the order in which rules are asked."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from proxy.cli.loading import load_told
from proxy.cli.outside import outside_options
from proxy.cli.source import cluster_of, cluster_options
from proxy.snapshot.describe import match_words, policy_words
from proxy.snapshot.listing import effective_routes

if TYPE_CHECKING:
    from proxy.runtime.settings import Cluster, Settings

Data = dict[str, Any]

ANSWERS: Final = frozenset({"RequestRedirect", "DirectResponse", "Unresolved"})
"""Filters that answer every request themselves."""


def routes(sources: Sequence[str], cluster: "Cluster | None" = None, settings: "Settings | None" = None) -> list[Data]:
    """Every listener with its hostnames and entries, as data."""
    return effective_routes(load_told(sources, cluster, settings).snapshot)


def lines(listeners: Sequence[Data]) -> Iterator[str]:
    """The table for people."""
    for listener in listeners:
        yield f"{listener['listener']} {listener['protocol']} :{listener['port']} {listener['hostname']}"
        if not listener["hosts"]:
            yield "  no routes"
        for host in listener["hosts"]:
            yield f"  {host['hostname']}"
            yield from _entries(host["entries"])


def _entries(entries: Sequence[Data]) -> Iterator[str]:
    conditions = [_conditions(entry) for entry in entries]
    width = max(map(len, conditions), default=0)
    for words, entry in zip(conditions, entries, strict=True):
        rule = entry["rule_name"] or entry["rule"]
        yield f"    {words:{width}}  {entry['route']} rule {rule} -> {_target(entry)}"


_EVERYTHING = {"UDPRoute": "every flow"}


def _conditions(entry: Data) -> str:
    """Below HTTP there are none."""
    return _EVERYTHING.get(entry["kind"], "every connection") if "unused" in entry else match_words(entry["conditions"])


def _target(entry: Data) -> str:
    """The filters, where the rule sends, and how long it waits. Behind a filter that answers nothing is reached."""
    if "unused" in entry:
        led = ", ".join(map(_backend, entry["backends"])) or "refused: no backend"
        return f"{led} (unused: the route before it has all)" if entry["unused"] else led
    words: list[str] = []
    for one in entry["filters"]:
        name = one.get("kind", one["type"])  # an ExtensionRef by the kind that it leads to
        words.append(name if name != "Unresolved" else f"{one['status']}: {one['reason']}")
        if name in ANSWERS:
            break
    else:
        words.append(", ".join(map(_backend, entry["backends"])) or "500: no backend")
    return "; ".join([" > ".join(words), *policy_words(entry)])


def _backend(ref: Data) -> str:
    weight = "" if ref["weight"] == 1 else f" x{ref['weight']}"
    return f"{ref['backend']}{weight}" + (f" ({ref['invalid']})" if ref["invalid"] else "")


@click.command("routes")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
@outside_options
@cluster_options
def command(
    sources: tuple[str, ...],
    as_json: bool,
    kubeconfig: str,
    context: str,
    watch_namespaces: tuple[str, ...],
    **outside: Any,
) -> None:
    """Show the effective routes in precedence order, per listener and hostname."""
    from proxy.runtime.settings import Settings

    cluster = cluster_of(sources, kubeconfig, context, watch_namespaces)
    table = routes(sources, cluster, Settings(sources, cluster, **outside))
    click.echo(json.dumps(table, indent=2, ensure_ascii=False) if as_json else "\n".join(lines(table)))
