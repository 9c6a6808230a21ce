"""From SOURCE arguments to a snapshot, for commands that look and do not serve."""

import sys
from collections.abc import Sequence

import click

from proxy.snapshot.snapshot import Snapshot


def load_snapshot(sources: Sequence[str]) -> Snapshot:
    """What a gateway started on these sources would serve; what it would refuse is told on stderr."""
    from proxy.sources.file import FileSource
    from proxy.translate.settings import TranslateSettings
    from proxy.translate.translate import translate

    source = FileSource(sources)
    loaded = source.load()
    source.close()
    translation = translate(loaded.resources, TranslateSettings())
    for problem in loaded.place((*loaded.problems, *translation.problems)):
        if problem.severity == "error":
            click.echo(str(problem), file=sys.stderr)
    return translation.snapshot
