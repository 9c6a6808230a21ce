"""Which Python runs Penstock, and whether that Python was built with profile-guided optimisation.

It is worth 13-20 % of CPU time, about as much as two Python versions, so no figure stands without it.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

_PROBE = """
import json, platform, sys, sysconfig
import proxy.cli.run
print(json.dumps({"version": platform.python_version(), "implementation": platform.python_implementation(),
                  "path": sys.executable, "base": sys.base_prefix,
                  "configure": sysconfig.get_config_var("CONFIG_ARGS") or ""}))
"""


def command_path(name: str) -> str:
    """An interpreter as given on a command line; a relative path is made absolute, since servers start elsewhere."""
    return os.path.abspath(name) if os.sep in name else name


@dataclass(frozen=True)
class Interpreter:
    """A Python interpreter as it tells of itself."""

    path: str
    version: str
    implementation: str
    pgo: bool
    reason: str
    """How we know."""

    def __str__(self) -> str:
        build = "a PGO build" if self.pgo else "not a PGO build"
        return f"{self.implementation} {self.version}, {build} ({self.reason}), {self.path}"


class UnfitInterpreter(Exception):
    """It does not run, or cannot run Penstock; the message says why."""


def describe(python: str, environment: Mapping[str, str] | None = None) -> Interpreter:
    """Asks the interpreter. Raises UnfitInterpreter."""
    env = {**os.environ, **(environment or {})}
    try:
        answer = subprocess.run([python, "-c", _PROBE], capture_output=True, text=True, check=False, env=env)
    except OSError as error:
        raise UnfitInterpreter(f"{python} does not run: {error}") from error
    if answer.returncode != 0:
        why = answer.stderr.strip().rpartition("\n")[2]
        raise UnfitInterpreter(f"{python} cannot run Penstock: {why}; PYTHONPATH may name its dependencies")
    facts = json.loads(answer.stdout)
    pgo, reason = judge(facts["configure"], facts["base"])
    return Interpreter(facts["path"], facts["version"], facts["implementation"], pgo, reason)


def judge(configure: str, base: str) -> tuple[bool, str]:
    """(built with PGO, how we know) from configure's arguments and the prefix it was installed under."""
    if "--enable-optimizations" in configure:
        return True, "configured with --enable-optimizations"
    if base == "/usr" and "/usr/share/python-wheels" in configure:
        # Debian's rules call the Makefile's PGO targets themselves, which leaves no trace in the arguments.
        return True, "Debian's python3 is built so"
    return False, "configured without --enable-optimizations"
