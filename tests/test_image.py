"""The Dockerfile, without an engine: what each stage says, and that everything it copies is there to copy.

That the wheel it installs builds, installs and runs is scripts/check-wheel, which .ci/run calls.
"""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent


class Instruction(NamedTuple):
    """One instruction of a Dockerfile, its continuation lines joined."""

    word: str
    rest: str


def stages(text: str) -> list[list[Instruction]]:
    """The instructions of each stage; a stage begins with its FROM."""
    joined = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    found: list[list[Instruction]] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        found[-1].append(Instruction(word, " ".join(rest.split())))
    return found


BUILDER, RUNTIME = stages((ROOT / "Dockerfile").read_text())


def said(stage: list[Instruction], word: str) -> list[str]:
    return [instruction.rest for instruction in stage if instruction.word == word]


def test_nothing_is_built_in_the_stage_that_runs() -> None:
    assert said(BUILDER, "FROM") == ["python:3.11-slim AS builder"]
    assert said(RUNTIME, "FROM") == ["python:3.11-slim"]
    assert said(RUNTIME, "RUN") == []
    assert said(RUNTIME, "COPY") == ["--from=builder /opt/penstock /opt/penstock"]


def test_it_runs_as_a_numeric_user_that_is_not_root() -> None:
    assert said(RUNTIME, "USER") == ["65532:65532"]


@pytest.mark.parametrize(
    ("word", "value"),
    [("ENTRYPOINT", ["penstock"]), ("CMD", ["run", "/etc/penstock"])],
)
def test_penstock_is_process_one_and_gets_the_signals(word: str, value: list[str]) -> None:
    [written] = said(RUNTIME, word)
    assert json.loads(written) == value
    assert said(RUNTIME, "STOPSIGNAL") == ["SIGTERM"]


def test_it_says_whether_it_is_well() -> None:
    [check] = said(RUNTIME, "HEALTHCHECK")
    assert json.loads(check[check.index("[") :]) == ["penstock", "healthcheck", "--admin", "127.0.0.1:9900"]


def test_probes_find_their_port() -> None:
    [environment] = said(RUNTIME, "ENV")
    assert "PENSTOCK_METRICS=0.0.0.0:9901" in environment.split()
    assert "9901" in said(RUNTIME, "EXPOSE")[0].split()


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    sources = [source for copied in said(BUILDER, "COPY") for source in copied.split()[:-1]]
    assert sorted(sources) == sorted(kept)
    assert [source for source in sources if not (ROOT / source).exists()] == []
