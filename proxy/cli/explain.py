"""penstock explain: which rule takes a request, and why, without sending it anywhere."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from proxy.cli.explained import lines
from proxy.cli.loading import explained, load_told
from proxy.cli.options import served_options
from proxy.cli.outside import outside_options
from proxy.cli.page import wants_colour, width
from proxy.cli.source import cluster_of, cluster_options
from proxy.runtime.settings import Settings
from proxy.snapshot.question import CLIENT, Asked, BadQuestion
from proxy.translate.explain.explain import explain as explain_translation

if TYPE_CHECKING:
    from proxy.runtime.settings import Cluster

Data = dict[str, Any]


def explain(
    sources: Sequence[str], asked: Asked, cluster: "Cluster | None" = None, settings: Settings | None = None
) -> Data:
    """The explanation of one request as data; what was refused on loading is told on stderr.

    Raises BadQuestion, and NothingRead when no object could be read.
    """
    settings = settings or Settings(tuple(sources), cluster)
    candidate = load_told(sources, cluster, settings)
    return explain_translation(explained(candidate, settings), asked)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{text!r} is not of the form 'name: value'", param_hint="-H")
    return name, value


@click.command("explain")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE... URL")
@click.option("-X", "--request", "method", default="GET", show_default=True, help="The method.")
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header. Repeatable.")
@click.option("--client", default=CLIENT, show_default=True, metavar="IP", help="Where the connection comes from.")
@click.option("--sni", show_default="the host of the URL", metavar="NAME", help="The server name that TLS is told.")
@click.option("--to", "to", default="", show_default="any", metavar="IP", help="The gateway's address that is asked.")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
@outside_options
@served_options
@cluster_options
def command(
    sources: tuple[str, ...],
    method: str,
    headers: tuple[str, ...],
    client: str,
    sni: str | None,
    to: str,
    as_json: bool,
    kubeconfig: str,
    context: str,
    watch_namespaces: tuple[str, ...],
    **served: Any,
) -> None:
    """Say which rule takes a request, and why.

    The last argument is the URL; its port is a declared one, or the one that is bound in its place. Options of run
    that change the answer are taken here, too. Exit status: 0 a rule answers, 1 none does, 2 there is
    nothing to ask.
    """
    *places, url = sources
    if not places:
        raise click.UsageError("needs a SOURCE and a URL")
    cluster = cluster_of(places, kubeconfig, context, watch_namespaces)
    asked = Asked(method, url, tuple(_header(text) for text in headers), client, sni, to)
    try:
        told = explain(places, asked, cluster, Settings(tuple(places), cluster, **served))
    except BadQuestion as error:
        raise click.UsageError(str(error)) from None
    text = json.dumps(told, indent=2, ensure_ascii=False) if as_json else "\n".join(lines(told, width()))
    click.echo(text, color=False if as_json else wants_colour())
    raise SystemExit(0 if told["winner"] else 1)
