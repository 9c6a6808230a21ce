"""docs/support.md: every feature of the Gateway API, whether it is served, and which tests say so."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from proxy.translate.features import FEATURES, Feature
from tests.conformance.catalogue import Catalogue, Profile
from tests.conformance.place import ROOT
from tests.conformance.results import FAIL, PASS, Log

PAGE = ROOT / "docs" / "support.md"

_INTRODUCTION = """# Supported features

What of the Gateway API {version} Penstock serves. `make conformance` writes this page: claims come from
`proxy/translate/features.py`, the states from its run of the official conformance suite ([how](conformance/README.md)).

- **passes**: served, and what the suite tests of it passed
- **fails**: claimed, and a test failed
- **served**: claimed, and no test of the last run says more
- **not served**: reported by name when it is asked for, never ignored

A test stands beside the features it is about, and runs only when all that it needs are served.
"""
_HEAD = "| feature | level | channel | state | tests |\n|---|---|---|---|---|"


def page(catalogue: Catalogue, log: Log, features: Iterable[Feature] = FEATURES) -> str:
    """The whole page; one section for each gateway profile."""
    by_name = {feature.name: feature for feature in features}
    sections = [_INTRODUCTION.format(version=catalogue.version)]
    for profile in sorted(catalogue.profiles.values(), key=lambda profile: profile.name):
        if profile.name.startswith("GATEWAY-"):
            sections.append(section(catalogue, profile, log, by_name))
    if rest := _rest(catalogue, by_name):
        rows = (row(feature, feature.level, listed_tests(feature.name, catalogue), log) for feature in rest)
        sections.append(f"## In no profile\n\n{_HEAD}\n{''.join(rows)}")
    return "\n".join(sections)


def section(catalogue: Catalogue, profile: Profile, log: Log, features: Mapping[str, Feature]) -> str:
    """The profile's features, core first, each with those of its tests that count for the profile."""
    rows = []
    for level, names in (("core", profile.core), ("extended", profile.extended)):
        for name in sorted(names):
            tests = [test for test in listed_tests(name, catalogue) if profile.has(catalogue.tests[test])]
            rows.append(row(features[name], level, tests, log))
    return f"## {profile.name}\n\n{_HEAD}\n{''.join(rows)}"


def _rest(catalogue: Catalogue, features: Mapping[str, Feature]) -> list[Feature]:
    held = {name for profile in catalogue.profiles.values() for name in profile.core | profile.extended}
    return [feature for name, feature in sorted(features.items()) if name not in held]


def row(feature: Feature, level: str, tests: Sequence[str], log: Log) -> str:
    names = ", ".join(tests) or "–"
    return f"| {feature.name} | {level} | {feature.channel} | {state(feature, tests, log)} | {names} |\n"


def listed_tests(feature: str, catalogue: Catalogue) -> list[str]:
    """The gateway tests of that feature, sorted."""
    base = frozenset[str]().union(*(profile.core for profile in catalogue.profiles.values()))
    return sorted(name for name, needed in catalogue.tests.items() if feature in subjects(needed, base))


def subjects(needed: frozenset[str], base: frozenset[str]) -> frozenset[str]:
    """What a test is about: its extended features; else its route kind and grants; else Gateway. Not mesh."""
    if any(name.startswith("Mesh") for name in needed):
        return frozenset()
    return needed - base or needed - {"Gateway"} or needed


def state(feature: Feature, tests: Iterable[str], log: Log) -> str:
    if not feature.served:
        return "not served"
    outcomes = [log.results[name].outcome for name in tests if name in log.results]
    if FAIL in outcomes:
        return "**fails**"
    return "passes" if PASS in outcomes else "served"


def write(catalogue: Catalogue, log: Log, path: Path = PAGE) -> None:
    path.write_text(page(catalogue, log))
