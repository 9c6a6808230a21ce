"""The Helm chart as text: what a cluster test renders and compares with kustomize is read here without helm."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import proxy
from tests.manifests.tree import BASE, CHART, COMPONENTS, named

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
TEMPLATES = sorted(path for path in (CHART / "templates").iterdir())
TEXT = "".join(path.read_text() for path in TEMPLATES)


def leaves(values: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names of the values that the chart itself gives a meaning to."""
    for name, value in values.items():
        inner = schema["properties"][name]
        if inner.get("additionalProperties") is False:
            yield from leaves(value, inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def schema_names(schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        if inner.get("additionalProperties") is False:
            yield from schema_names(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_chart_and_program_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (proxy.__version__, proxy.__version__)


def test_values_schema_and_templates_know_the_same_names() -> None:
    known = set(leaves(VALUES, SCHEMA))
    assert set(schema_names(SCHEMA)) == known | {"global"}  # which Helm gives to every chart
    used = set(re.findall(r"\.Values\.([A-Za-z.]+)", TEXT))
    assert used == known


@pytest.mark.parametrize("name", list(VALUES))
def test_every_value_has_a_comment(name: str) -> None:
    lines = (CHART / "values.yaml").read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(f"{name}:"))
    block = [line for line in lines[at + 1 :] if line.startswith("  ")]
    above = next((line for line in reversed(lines[:at]) if not line or line.startswith("#")), "")
    assert above.startswith("#") or any(line.strip().startswith("#") for line in block) or name in PLAIN


PLAIN = {"image", "resources", "podAnnotations", "podLabels", "nodeSelector", "tolerations", "podDisruptionBudget"}
"""Values that are what every chart calls so."""


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_template_actions_are_closed(template: Path) -> None:
    actions = re.findall(r"{{-?\s*(.*?)\s*-?}}", template.read_text(), re.DOTALL)
    opened = [action for action in actions if re.match(r"(if|with|range|define|block)\b", action)]
    assert len(opened) == actions.count("end")
    assert "\t" not in template.read_text()


@pytest.mark.parametrize(
    ("template", "source", "kind"),
    [
        ("reader.yaml", BASE / "reader.yaml", "ClusterRole"),
        ("election.yaml", BASE / "election.yaml", "Role"),
        ("provisioner.yaml", COMPONENTS / "services" / "clusterrole.yaml", "ClusterRole"),
        ("provisioner.yaml", COMPONENTS / "data-planes" / "role.yaml", "Role"),
    ],
)
def test_its_roles_are_those_of_kustomize(template: str, source: Path, kind: str) -> None:
    rules = re.sub(
        r'{{- include "penstock.secretRule" . \| nindent 2 }}',
        secret_rule(),
        (CHART / "templates" / template).read_text(),
    )
    blocks = re.findall(rf"^kind: {kind}\n.*?^rules:\n(.*?)(?=^---|^{{{{-? (?:else|end)|\Z)", rules, re.M | re.S)
    assert named(source, kind)["rules"] == yaml.safe_load(re.sub(r"^ *{{.*}}\n", "", blocks[0], flags=re.M))


def secret_rule() -> str:
    helpers = (CHART / "templates" / "_helpers.tpl").read_text()
    [rule] = re.findall(r'define "penstock.secretRule" -}}\n(.*?){{- end -}}', helpers, re.S)
    return "".join(f"  {line}\n" for line in rule.splitlines()).lstrip()
