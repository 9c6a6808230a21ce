"""Scalars as kubectl reads them.

`data/kubectl_scalars.jsonl` was written by Go: each line is a text and what
sigs.k8s.io/yaml v1.6.0 (YAMLToJSONStrict) made of it, JSON or an error.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.sources.malformed import MalformedDocument
from proxy.sources.yamltext import parse_yaml

CASES = [json.loads(line) for line in (Path(__file__).parent / "data/kubectl_scalars.jsonl").read_text().splitlines()]
SOUND = [case for case in CASES if "json" in case]
REFUSED = [case for case in CASES if "error" in case]

JSON_ESCAPE = "\\/"
"""libyaml knows this escape, Go's parser does not."""


def test_the_table_is_there() -> None:
    assert len(SOUND) > 190
    assert len(REFUSED) > 30


@pytest.mark.parametrize("case", SOUND, ids=lambda case: repr(case["yaml"]))
def test_text_means_what_it_means_to_kubectl(case: dict[str, Any]) -> None:
    assert typed(parse_yaml(case["yaml"])) == typed(case["json"])


def typed(value: Any) -> Any:
    """Values with their types, for Python takes 1 for True. Beyond 2**53 JSON has floats only."""
    if isinstance(value, dict):
        return {name: typed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    if type(value) is int and abs(value) > 2**53:
        return float, float(value)
    return type(value), value


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: repr(case["yaml"]))
def test_what_kubectl_refuses_is_refused(case: dict[str, Any]) -> None:
    if JSON_ESCAPE in case["yaml"]:
        assert parse_yaml(case["yaml"]) == {"a": "x\né/"}
        return
    with pytest.raises(MalformedDocument) as refusal:
        parse_yaml(case["yaml"])
    assert refusal.value.line > 0
