"""penstock: the table of commands. Each is one module with a click command named `command`."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module

import click

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("proxy.cli.run", "Serve what YAML files, directories, stdin or a cluster declare."),
    "check": ("proxy.cli.check", "Validate as the API server and the controller would."),
    "explain": ("proxy.cli.explain", "Say which rule a request takes, and why."),
    "routes": ("proxy.cli.routes", "Show the effective routes in precedence order."),
    "test": ("proxy.cli.test", "Run cases: requests, and what is expected to become of them."),
    "diff": ("proxy.cli.diff", "Say which requests change their answer."),
    "demo": ("proxy.cli.demo", "Run a hello backend and the gateway before it."),
    "version": ("proxy.cli.version", "Say which build runs, on what."),
    "schema": ("proxy.cli.schema", "Print the JSON Schema of all kinds, or the CRDs of our own."),
    "healthcheck": ("proxy.cli.healthcheck", "Ask a running gateway whether it is ready."),
}
"""Command to (module, one line of help): all that `penstock --help` reads. A command is added here."""

ENVIRONMENT_PREFIX = "PENSTOCK"
"""Every option of every command can be given as PENSTOCK_<FLAG>."""


class LazyGroup(click.Group):
    """A group whose commands stand in COMMANDS, so that one command does not pay for the imports of all."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        command.context_settings.setdefault("auto_envvar_prefix", ENVIRONMENT_PREFIX)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and (near := get_close_matches(args[0], COMMANDS, n=1)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Try: penstock demo",
)
def main() -> None:
    """Penstock, a Gateway API reverse proxy that explains every decision."""
