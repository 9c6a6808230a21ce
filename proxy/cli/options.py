"""Options that several commands share: what changes which configuration is served, beside the sources."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from proxy.runtime import settings as parse

T = TypeVar("T")

Callback = Callable[[click.Context, click.Parameter, Any], T]


def one(parser: Callable[[str], T]) -> Callback[T | None]:
    """For an option whose text `parser` understands; it raises ValueError with what was expected."""

    def callback(ctx: click.Context, param: click.Parameter, value: str | None) -> T | None:
        try:
            return None if value is None else parser(value)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from None

    return callback


def several(parser: Callable[[tuple[str, ...]], T]) -> Callback[T]:
    """For a repeatable option, all of whose texts `parser` understands together."""

    def callback(ctx: click.Context, param: click.Parameter, value: tuple[str, ...] | str | None) -> T:
        items = (value,) if isinstance(value, str) else value or ()
        try:
            return parser(items)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from None

    return callback


TRUSTED = click.option(
    "--trusted-proxies",
    callback=several(parse.parse_networks),
    show_default="none",
    metavar="CIDR,...",
    help="Peers that are believed who the client is: X-Forwarded-For, Forwarded, the PROXY protocol.",
)

SERVED = (
    click.option(
        "--address",
        callback=one(parse.parse_ip),
        default="",
        show_default="all",
        metavar="IP",
        help="Where Gateways that name no address listen.",
    ),
    click.option(
        "--only-gateway",
        callback=one(lambda text: parse.parse_gateway(text) if text else ""),
        default="",
        show_default="all",
        metavar="NAMESPACE/NAME",
        help="Serve this Gateway alone, on all addresses.",
    ),
    click.option(
        "--map-port",
        "port_map",
        envvar="PENSTOCK_MAP_PORT",
        callback=several(parse.parse_port_map),
        multiple=True,
        metavar="DECLARED=BOUND",
        help="Bind a declared port elsewhere. Repeatable.",
    ),
    TRUSTED,
    click.option(
        "--backend",
        "backends",
        envvar="PENSTOCK_BACKEND",
        callback=several(parse.parse_backends),
        multiple=True,
        metavar="NAMESPACE/NAME:PORT=HOST:PORT",
        help="Where to find a Service that has no EndpointSlices. Repeatable.",
    ),
)
"""Of `run`, and of the commands that say what it would do."""


def served_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All of SERVED."""
    for option in reversed(SERVED):
        command = option(command)
    return command
