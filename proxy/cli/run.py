"""penstock run: serve what YAML files, directories, stdin or a cluster declare."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import click

from proxy.cli.options import one, served_options, several
from proxy.cli.outside import outside_options
from proxy.cli.source import cluster_of, cluster_options, kubernetes_source
from proxy.controller.controller import Controller, settings_here
from proxy.observe.log import LEVELS, configure_logging
from proxy.runtime import settings as parse
from proxy.runtime.control import Control
from proxy.runtime.process import usable_cores
from proxy.runtime.session_key import read_session_key
from proxy.runtime.settings import Settings
from proxy.sources.file import FileSource

if TYPE_CHECKING:
    from proxy.sources.kubernetes.source import KubernetesSource


def parse_workers(text: str) -> int:
    """`auto` or a number from 1."""
    if text == "auto":
        return usable_cores()
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1024):
        raise ValueError(f"{text!r} is neither auto nor a number from 1 to 1024")
    return int(text)


def parse_switch(text: str) -> bool:
    """`on` or `off`."""
    if text not in {"on", "off"}:
        raise ValueError(f"{text!r} is neither on nor off")
    return text == "on"


address = one(parse.parse_address)
duration = one(parse.parse_duration)


@click.command("run", context_settings={"show_default": True})
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--admin",
    callback=address,
    default="127.0.0.1:9900",
    metavar="HOST:PORT",
    help="Dashboard, metrics, health.",
)
@click.option(
    "--workers",
    callback=one(parse_workers),
    default="auto",
    metavar="N|auto",
    help="Processes that serve; auto: one per core.",
)
@click.option(
    "--publish-address",
    envvar=["PENSTOCK_PUBLISH_ADDRESS", "POD_IP"],
    callback=one(parse.parse_ip),
    default="",
    show_default="none",
    metavar="IP",
    help="What statuses name where Gateways listen on all addresses.",
)
@click.option(
    "--image",
    default="",
    show_default="none",
    help="What data planes run that are made for single Gateways.",
)
@click.option(
    "--access-log",
    show_default="- on a terminal, else off",
    metavar="-|PATH|off",
    help="A line for each request.",
)
@click.option("--access-log-format", type=click.Choice(["json", "text"]), default="json")
@click.option("--log-level", type=click.Choice(LEVELS), default="info")
@click.option(
    "--drain-delay",
    callback=duration,
    default="0s",
    metavar="TIME",
    help="Go on accepting for so long after /readyz has turned 503.",
)
@click.option(
    "--drain-timeout",
    callback=duration,
    default="30s",
    metavar="TIME",
    help="How long open requests may take when stopping.",
)
@click.option(
    "--metrics",
    callback=address,
    show_default="none",
    metavar="HOST:PORT",
    help="Another address, with metrics and health only.",
)
@click.option(
    "--metrics-detail",
    type=click.Choice(["listener", "route", "rule"]),
    show_default="rule up to 2,000 rules, then route",
    help="How fine request metrics are.",
)
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False),
    help="Last good state, for when an API server is away; files need none.",
)
@click.option(
    "--session-key",
    callback=one(lambda path: read_session_key(path) if path else b""),
    default="",
    show_default="none",
    metavar="PATH",
    help="A file with the secret that tokens of session persistence are made with, alike in all replicas.",
)
@served_options
@outside_options
@click.option(
    "--dns-servers",
    callback=several(parse.parse_servers),
    multiple=True,
    show_default="those of /etc/resolv.conf",
    metavar="IP[:PORT],...",
    help="Who is asked for DNS names of backends.",
)
@cluster_options
@click.option(
    "--status-updates",
    callback=one(parse_switch),
    default="on",
    metavar="on|off",
    help="Write statuses and Events into the cluster of kubernetes:; off: write nothing at all.",
)
@click.option(
    "--lease",
    default="penstock-controller",
    metavar="NAME",
    help="The Lease by which replicas agree on the one that writes; in the namespace they run in.",
)
@click.option("--strict", is_flag=True, help="Do not start when anything declared has an error.")
def command(
    sources: tuple[str, ...],
    access_log: str | None,
    state_dir: str | None,
    kubeconfig: str,
    context: str,
    watch_namespaces: tuple[str, ...],
    **options: Any,
) -> None:
    """Serve what YAML files, directories, stdin or a cluster (kubernetes:) declare, until SIGTERM or Ctrl-C.

    SIGHUP reads the sources again, which happens by itself, too, when a file changes. SIGUSR1 reopens the
    access log. A second SIGTERM or Ctrl-C stops at once. Every option can be given as PENSTOCK_OPTION.
    """
    cluster = cluster_of(sources, kubeconfig, context, watch_namespaces, state_dir)
    settings = Settings(sources, cluster, access_log=access_log or _default_access_log(), **options)
    configure_logging(settings.log_level)
    if state_dir is not None and cluster is None:
        click.echo("--state-dir has no effect with files: they are always there.", err=True)
    sys.exit(asyncio.run(_run(settings)))


async def _run(settings: Settings) -> int:
    if settings.cluster is None:
        return await Control(settings, FileSource(settings.sources), _say).run()
    source = kubernetes_source(settings.cluster)
    control = Control(settings, source, _say, _controller(settings, source))
    source.measure(control.meter)
    return await control.run()


def _controller(settings: Settings, source: "KubernetesSource") -> Controller | None:
    """Who serves one Gateway alone tells nothing: it would take the entries of all others for its own mistakes."""
    if not settings.status_updates or settings.only_gateway:
        return None
    translation = settings.translation()
    who = settings_here(translation.controller_name, translation.namespace, settings.lease)
    return Controller(source.client, source, who)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _default_access_log() -> str:
    return "-" if sys.stdout.isatty() else "off"
