"""penstock demo: a hello backend and the gateway before it, in the foreground."""

import asyncio
import sys

import click

from proxy.demo.alone import play_alone
from proxy.demo.play import play
from proxy.demo.stage import StageError, set_stage
from proxy.demo.terminal import own_foreground
from proxy.runtime.settings import Address, parse_address

PORT = click.IntRange(1, 65535)


def backend_address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--backend-only") from None


@click.command("demo")
@click.option("--port", type=PORT, default=8080, show_default=True, help="Where the gateway listens.")
@click.option("--admin-port", type=PORT, default=9900, show_default=True, help="Where its dashboard and metrics are.")
@click.option("--backend-only", metavar="HOST:PORT", help="Run only the hello backend, and here.")
def command(port: int, admin_port: int, backend_only: str | None) -> None:
    """Run a hello backend and the gateway before it until Ctrl-C."""
    try:
        if backend_only is not None:
            asyncio.run(play_alone(*backend_address(backend_only), click.echo))
            return
        stage = set_stage(port, admin_port)
    except StageError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    with own_foreground():
        code = asyncio.run(play(stage, click.echo))
    sys.exit(code)
