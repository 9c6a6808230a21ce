"""The table of commands, version and schema."""

import json
import subprocess
import sys
import tomllib
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import proxy
from proxy.cli import schema, version
from proxy.cli.main import COMMANDS, main
from proxy.resources.kinds import KINDS

ROOT = Path(__file__).parent.parent.parent

HELP_IS_LIGHT = """
import sys
from proxy.cli.main import COMMANDS, main
try:
    main(["--help"])
except SystemExit as end:
    assert end.code == 0
print(*(module for module, _ in COMMANDS.values() if module in sys.modules), file=sys.stderr)
"""


def test_help_lists_every_command_and_imports_none() -> None:
    done = subprocess.run([sys.executable, "-c", HELP_IS_LIGHT], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = done.stdout.partition("Commands:\n")[2]
    for name, (_, help_line) in COMMANDS.items():
        assert f"  {name} " in listed
        assert help_line in listed
    assert done.stderr.strip() == ""


@pytest.mark.parametrize(("name", "module"), [(name, module) for name, (module, _) in COMMANDS.items()])
def test_every_command_has_its_module(name: str, module: str) -> None:
    command = import_module(module).command
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help, "says what it does"


def test_an_unknown_command_is_a_usage_error() -> None:
    done = CliRunner().invoke(main, ["serve"])
    assert done.exit_code == 2
    assert "No such command 'serve'." in done.output


def test_a_command_that_is_spelled_wrong_is_told_its_like() -> None:
    done = CliRunner().invoke(main, ["explian", "routes.yaml"])
    assert done.exit_code == 2
    assert "No such command 'explian'. Did you mean explain?" in done.output


def test_the_script_and_the_module_are_one_program() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"penstock": "proxy.cli.main:main"}
    done = subprocess.run(
        [sys.executable, "-m", "proxy", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: penstock ")


def test_every_option_can_come_from_the_environment() -> None:
    done = CliRunner().invoke(main, ["demo"], env={"PENSTOCK_ADMIN_PORT": "70000"})
    assert done.exit_code == 2
    assert "--admin-port" in done.output
    assert "70000" in done.output


# --- version ----------------------------------------------------------------------------------


def test_version_says_what_a_bug_report_needs() -> None:
    said = CliRunner().invoke(main, ["version"]).output
    assert said.startswith(f"penstock {proxy.__version__} (pure Python)\n")
    assert f"{sys.implementation.name} {sys.version.split()[0]}".lower() in said.lower()
    for library in version.LIBRARIES:
        assert f"\n{library} {metadata.version(library)}" in said


def test_version_knows_a_compiled_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.errors.__file__", "/opt/proxy/errors.cpython-311-x86_64-linux-gnu.so")
    assert version.build() == "compiled"


def test_the_package_and_its_metadata_agree_on_the_version() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == proxy.__version__


# --- schema -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed() -> Any:
    done = CliRunner().invoke(main, ["schema"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_schema_takes_every_kind_served_under_each_of_its_versions(printed: Any) -> None:
    taken = set()
    for choice in printed["oneOf"]:
        properties = printed["$defs"][choice["$ref"].removeprefix("#/$defs/")]["properties"]
        taken |= {(api_version, properties["kind"]["const"]) for api_version in properties["apiVersion"]["enum"]}
    assert taken == {
        (f"{group}/{version}" if group else version, name)
        for (group, name), kind in KINDS.items()
        for version in kind.versions
    }


def test_schema_refers_only_to_what_it_defines(printed: Any) -> None:
    assert printed["$schema"] == schema.DIALECT
    assert references(printed) == {f"#/$defs/{name}" for name in printed["$defs"]}


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()
