"""The command line of `python -m tests.conformance`, and what the words on it mean."""

import argparse
import os
import re
from collections.abc import Mapping, Sequence

from proxy.translate.features import CLAIMED_PROFILES
from tests.conformance.catalogue import Catalogue

VERBS = {
    "build": "make the binaries that are not in the cache yet",
    "check": "say what is missing on this machine, and whether the binaries are there",
    "up": "bring a cluster up and leave it up",
    "down": "end a cluster, whole or not, and remove what it left",
    "status": "the processes of a cluster",
    "exec": "run a command inside a cluster, KUBECONFIG set: exec kubectl get gateways -A",
    "run": "the official suite against Penstock: cluster up, suite, report, docs/support.md, cluster down",
    "support": "write docs/support.md from the last run",
    "deliver": "copy the last run's report to docs/conformance/",
    "catalogue": "write tests/conformance/catalogue.json from the suite, after a change of its version",
}


_ABOUT = "A verb works on the cluster that PENSTOCK_CLUSTER names."


class UsageError(Exception):
    """A word on the command line means nothing; the message says which could be meant."""


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m tests.conformance", description=_ABOUT)
    verbs = found.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, meaning in VERBS.items():
        verb = verbs.add_parser(name, help=meaning, description=meaning)
        if name == "run":
            verb.add_argument("--profile", default="", help="comma separated (default: all that are claimed)")
            verb.add_argument("--run", default="", help="names of tests: comma separated, or a regular expression")
            verb.add_argument("--keep", action="store_true", help="leave the cluster up; the next run takes it")
        if name == "exec":
            verb.add_argument("command", nargs=argparse.REMAINDER)
    return found


def profiles_of(text: str, catalogue: Catalogue) -> list[str]:
    """`http` and `GATEWAY-HTTP` are the same profile. Raises UsageError for one there is not."""
    names = [word.strip().upper() for word in text.split(",") if word.strip()]
    if not names:
        return list(CLAIMED_PROFILES)
    known = [name for name in catalogue.profiles if name.startswith("GATEWAY-")]
    found = [name if name.startswith("GATEWAY-") else f"GATEWAY-{name}" for name in names]
    for name in found:
        if name not in known:
            raise UsageError(f"PROFILE={name}: the suite has {', '.join(sorted(known))}")
    return list(dict.fromkeys(found))


def chosen_tests(text: str, catalogue: Catalogue) -> str:
    """A regular expression for Go from names or an expression. Raises UsageError when no test answers to it."""
    if not text:
        return ""
    expression = "|".join(word.strip() for word in text.split(",") if word.strip())
    try:
        found = [name for name in catalogue.tests if re.fullmatch(expression, name)]
    except re.error as error:
        raise UsageError(f"RUN={text}: {error}") from error
    if not found:
        raise UsageError(f"RUN={text}: no test has such a name; {near(text, catalogue)}")
    return "|".join(found)


def near(text: str, catalogue: Catalogue) -> str:
    part = text.strip("^$.*").lower()
    found = [name for name in catalogue.tests if part in name.lower()][:5]
    return f"did you mean {', '.join(found)}?" if found else "one is HTTPRouteWeight"


def keeps(options: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> bool:
    """KEEP=1 or --keep."""
    return bool(options.keep) or environment.get("KEEP", "") not in {"", "0"}


def has_scenarios(environment: Mapping[str, str] = os.environ) -> bool:
    """SCENARIOS=0 leaves tests/cluster out."""
    return environment.get("SCENARIOS", "") != "0"


def parse(argv: Sequence[str]) -> argparse.Namespace:
    return parser().parse_args(argv)
