"""--allow-external-name and its like: which names and addresses outside may be led to."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def _networks(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    from proxy.runtime.settings import parse_networks

    try:
        return parse_networks(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def outside_options(command: F) -> F:
    """The same for every command that translates; named as fields of Settings."""
    options = (
        click.option(
            "--allow-external-name",
            is_flag=True,
            help="Follow Services of type ExternalName: who may write them chooses where requests go.",
        ),
        click.option(
            "--allow-external-ranges",
            callback=_networks,
            multiple=True,
            show_default="none",
            metavar="CIDR,...",
            help="Addresses that names outside may lead to although they are loopback, link-local and the like.",
        ),
        click.option(
            "--deny-external-ranges",
            callback=_networks,
            multiple=True,
            show_default="none",
            metavar="CIDR,...",
            help="Further addresses that names outside may not lead to, such as those of Pods.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
