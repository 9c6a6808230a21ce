"""penstock version: which build runs, on what."""

import platform
import ssl
from importlib import metadata

import click

import proxy
from proxy import errors

LIBRARIES = ("uvloop", "httptools", "msgspec", "google-re2", "aiohttp")
"""Those whose version matters in a bug report."""


def build() -> str:
    """How this Penstock was made: a compiled module is no longer a .py file."""
    return "pure Python" if (errors.__file__ or "").endswith(".py") else "compiled"


@click.command("version")
def command() -> None:
    """Say which build of Penstock runs, on which interpreter and libraries."""
    click.echo(f"penstock {proxy.__version__} ({build()})")
    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    click.echo(f"{interpreter} on {platform.system()} {platform.machine()}")
    for library in LIBRARIES:
        click.echo(f"{library} {metadata.version(library)}")
    click.echo(ssl.OPENSSL_VERSION)
