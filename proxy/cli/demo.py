"""penstock demo: a hello backend and the gateway before it, in the foreground."""

import asyncio
import sys

import click

from proxy.demo.play import play
from proxy.demo.stage import StageError, set_stage
from proxy.demo.terminal import own_foreground

PORT = click.IntRange(1, 65535)


@click.command("demo")
@click.option("--port", type=PORT, default=8080, show_default=True, help="Where the gateway listens.")
@click.option("--admin-port", type=PORT, default=9900, show_default=True, help="Where its dashboard and metrics are.")
def command(port: int, admin_port: int) -> None:
    """Run a hello backend and the gateway before it until Ctrl-C."""
    try:
        stage = set_stage(port, admin_port)
    except StageError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    with own_foreground():
        code = asyncio.run(play(stage, click.echo))
    sys.exit(code)
