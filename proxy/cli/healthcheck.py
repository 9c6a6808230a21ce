"""penstock healthcheck: exit status 0 when a running gateway is ready, for containers and scripts."""

import sys
from http.client import HTTPConnection, HTTPException

import click

from proxy.runtime.settings import Address, parse_address

TIMEOUT = 5.0
"""Seconds."""


def ask(address: Address) -> str:
    """ "" when /readyz of the address answers 200, else what happened instead."""
    host, port = address
    connection = HTTPConnection(host or "127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        response = connection.getresponse()
        said = response.read().decode("utf-8", "replace").strip()
    except (OSError, HTTPException) as error:
        return f"nobody answers on {host}:{port}: {error}"
    finally:
        connection.close()
    return "" if response.status == 200 else f"not ready: /readyz answers {response.status}\n{said}"


@click.command("healthcheck")
@click.option("--admin", default="127.0.0.1:9900", show_default=True, metavar="HOST:PORT", help="As given to `run`.")
def command(admin: str) -> None:
    """Exit with 0 when /readyz of the admin address answers 200, else with 1."""
    try:
        address = parse_address(admin)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--admin") from None
    if trouble := ask(address):
        click.echo(trouble, err=True)
        sys.exit(1)
