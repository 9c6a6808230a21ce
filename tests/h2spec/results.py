"""What a run of h2spec says, and how it differs from what is written down."""

from collections import Counter
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

Outcomes = Mapping[str, bool]
"""`http2/5.1/8`, the section and the number of the test in it, to whether it was passed."""


def read(report: str) -> Outcomes:
    """Of a report in JUnit's format."""
    numbers: Counter[str] = Counter()
    outcomes = {}
    for case in ElementTree.fromstring(report).iter("testcase"):
        section = case.get("package", "")
        numbers[section] += 1
        outcomes[f"{section}/{numbers[section]}"] = not len(case)
    return outcomes


def differences(outcomes: Outcomes, waivers: Mapping[str, str], tests: int) -> Iterator[str]:
    """A line for each; none when the run is as it should be."""
    if len(outcomes) != tests:
        yield f"{len(outcomes)} tests were run, not {tests}"
    for name, passed in outcomes.items():
        if not passed and name not in waivers:
            yield f"{name} is missed, and no waiver says why"
        if passed and name in waivers:
            yield f"{name} passes: its waiver has to go ({waivers[name]})"
    for name in waivers.keys() - outcomes.keys():
        yield f"{name} has a waiver, and is no test"
