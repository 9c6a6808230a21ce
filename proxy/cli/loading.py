"""From SOURCE arguments to a snapshot, for commands that look and do not serve."""

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from proxy.cli.source import make_source

if TYPE_CHECKING:
    from proxy.runtime.load import Candidate
    from proxy.runtime.settings import Cluster, Settings
    from proxy.sources.base import Source
    from proxy.sources.read import FileBytes
    from proxy.translate.explain.explain import Explained

PATIENCE: Final = 15.0
"""Seconds that an API server may take to tell what it has."""


class NothingRead(click.ClickException):
    """There are errors and nothing else: what would be said of it would be said of nothing."""

    exit_code = 2


def load_once(
    sources: Sequence[str], cluster: "Cluster | None" = None, settings: "Settings | None" = None
) -> "Candidate":
    """What a gateway started on these sources would begin with. Raises ClickException when there is no answer.

    `settings`: the options it is started with; None for the usual ones.
    """
    from proxy.runtime.settings import Settings

    settings = settings or Settings(tuple(sources), cluster)
    return asyncio.run(_load_once(make_source(sources, cluster), settings))


def load_over(settings: "Settings", above: Sequence[str]) -> "Candidate":
    """What `settings` start once the files `above` were applied. Raises ClickException when there is no answer."""
    from proxy.sources.overlay import Overlay

    source = Overlay(make_source(settings.sources, settings.cluster), make_source(above, None))
    return asyncio.run(_load_once(source, settings))


async def _load_once(source: "Source", settings: "Settings") -> "Candidate":
    from proxy.runtime.load import Loader

    try:
        async with asyncio.timeout(PATIENCE):
            await source.open()
    except TimeoutError:
        source.close()
        raise click.ClickException(f"the API server did not tell what it has in {PATIENCE:g} s") from None
    try:
        return await Loader(source, settings.translation()).settle()
    finally:
        source.close()


def load_given(files: "Sequence[FileBytes]", settings: "Settings | None" = None) -> "Candidate":
    """The same of files that were read already. Needs no event loop, and does not mind one that runs."""
    from proxy.runtime.load import Loader
    from proxy.runtime.settings import Settings
    from proxy.sources.given import Given

    settings = settings or Settings(tuple(file.path for file in files))
    return Loader(Given(files), settings.translation()).load()


def explained(candidate: "Candidate", settings: "Settings | None" = None) -> "Explained":
    """What explanations of it are made from. `settings`: the options it would be started with; None for the usual."""
    from proxy.admin.explain import gateway_wide
    from proxy.runtime.settings import Settings
    from proxy.translate.explain.explain import Explained

    data_plane = (settings or Settings(())).data_plane()
    return Explained(candidate.translation, gateway_wide(data_plane), candidate.locate)


def load_told(
    sources: Sequence[str], cluster: "Cluster | None" = None, settings: "Settings | None" = None
) -> "Candidate":
    """The same as `load_once`, and what it would refuse is told on stderr. Raises NothingRead."""
    candidate = load_once(sources, cluster, settings)
    tell_refusals(candidate)
    if candidate.errors and not len(candidate.translation.resources):
        raise NothingRead("no object could be read, so there is nothing to ask")
    return candidate


def tell_refusals(candidate: "Candidate") -> None:
    """On stderr."""
    for problem in candidate.errors:
        click.echo(str(problem), file=sys.stderr)
