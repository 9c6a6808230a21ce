"""Commands of the system, run to their end."""

import asyncio
import shutil
from functools import cache


class CommandError(Exception):
    """A command failed; the message has what it said."""


async def run(*argv: str, stdin: str = "") -> None:
    """Raises CommandError for any exit code but 0."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(stdin.encode())
    if process.returncode:
        raise CommandError(f"{' '.join(argv)}: {output.decode(errors='replace').strip()}")


@cache
def path_of(name: str) -> str:
    """Where a command is: a container's environment has a PATH of its own, by which it would be looked for."""
    path = shutil.which(name)
    if path is None:
        raise CommandError(f"{name} is not on the PATH")
    return path
