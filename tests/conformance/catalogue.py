"""What the official suite knows of itself: its profiles, the channel of each feature, the features of each test.

The suite's own binary writes it (modules/suite/catalogue_test.go); catalogue.json is a committed copy, so that
all that follows from it can be tested without Go.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

COPY = Path(__file__).parent / "catalogue.json"


@dataclass(frozen=True)
class Profile:
    """The features of a conformance profile."""

    name: str
    core: frozenset[str]
    extended: frozenset[str]

    def has(self, features: frozenset[str]) -> bool:
        """Whether a test that needs these features counts for this profile: all must be the profile's own."""
        return features <= self.core | self.extended


@dataclass(frozen=True)
class Catalogue:
    """`features`: name to channel; `tests`: name to the features needed, in the order of the suite."""

    version: str
    profiles: Mapping[str, Profile]
    features: Mapping[str, str]
    tests: Mapping[str, frozenset[str]]
    provisional: frozenset[str]


def parse(text: str) -> Catalogue:
    found: dict[str, Any] = json.loads(text)
    return Catalogue(
        version=found["version"],
        profiles={
            name: Profile(name, frozenset(profile["core"]), frozenset(profile["extended"]))
            for name, profile in found["profiles"].items()
        },
        features=found["features"],
        tests={test["name"]: frozenset(test["features"]) for test in found["tests"]},
        provisional=frozenset(test["name"] for test in found["tests"] if test.get("provisional")),
    )


@cache
def catalogue() -> Catalogue:
    return parse(COPY.read_text())


def write(binary: Path, path: Path) -> None:
    """Let the suite write it down."""
    argv = [str(binary), "-test.run=^TestCatalogue$"]
    subprocess.run(argv, env={**os.environ, "CATALOGUE": str(path)}, check=True, stdout=subprocess.DEVNULL)
