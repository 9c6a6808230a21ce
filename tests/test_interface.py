"""docs/interface.md is a promise: what it lists is what the code has, in both directions."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
import pytest

from proxy import errors
from proxy.admin.server import JSON
from proxy.cli.main import COMMANDS, main
from proxy.downstream.settings import DataPlaneSettings
from proxy.observe.access_log import AccessRecord
from proxy.observe.catalog import METRICS
from proxy.protocol.limits import Limits
from proxy.resources.backendtlspolicy import SubjectAltName
from proxy.resources.direct_response import DirectResponseSpec
from proxy.resources.kinds import KINDS
from proxy.resources.meta import LocalObjectReference, Model, SecretObjectReference
from proxy.resources.own import BackendSpec
from proxy.resources.parameters import GatewayParametersSpec, ResourceRequirements, Toleration

PAGE = (Path(__file__).parent.parent / "docs" / "interface.md").read_text()


def section(title: str) -> str:
    """The text under a heading, up to the next of its level or above."""
    [(level, text)] = re.findall(rf"^(#+) {re.escape(title)}\n(.*?)(?=^##? |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(re.split(rf"^#{{1,{len(level)}}} ", text, flags=re.MULTILINE)[0])


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows, headings and rulers included."""
    lines = [line.replace("\\|", "¦") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("¦", "|") for cell in line.strip("|").split("|")] for line in lines]


def code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_every_command_is_listed_and_exists() -> None:
    table = rows(section("Commands").partition("###")[0])
    listed = {written.split()[1] for row in table for written in code(row[0])}
    assert listed == set(COMMANDS)


def test_every_option_of_run_is_listed_and_exists() -> None:
    command = main.get_command(click.Context(main), "run")
    assert command is not None
    existing = {name for param in command.params for name in param.opts if name.startswith("--")}
    listed = {written.split()[0] for row in rows(section("`run`")) for written in code(row[0])}
    assert listed == existing - {"--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_named(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    existing = {tuple(param.opts) for param in command.params if param.opts[0].startswith("-")}
    named = {word for written in code(section("Commands")) for word in re.findall(r"(?<!\w)--?[\w-]+", written)}
    assert [options for options in existing if named.isdisjoint(options)] == []


def test_every_kind_served_is_listed() -> None:
    [_heading, _ruler, *table] = rows(section("Configuration"))[: 2 + 4]
    listed = {kind for row in table for kind in re.split(r", ", re.sub(r" \([^)]*\)", "", row[1]))}
    assert listed == {name for _, name in KINDS}


BORROWED = (LocalObjectReference, SecretObjectReference, SubjectAltName, ResourceRequirements, Toleration)
"""Parts of our own kinds that are as in others of Kubernetes and the Gateway API, and described there."""


def field_names(model: type[msgspec.Struct]) -> Iterator[str]:
    """Of a model and of the models within it, as YAML has them."""
    for field in msgspec.structs.fields(model):
        yield field.encode_name
        yield from (name for part in models_in(field.type) for name in field_names(part))


def models_in(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, Model):
        yield from () if hint in BORROWED else (hint,)
    for part in get_args(hint):
        yield from models_in(part)


OWN_KINDS = [
    ("Backend", BackendSpec),
    ("DirectResponse", DirectResponseSpec),
    ("GatewayParameters", GatewayParametersSpec),
]


@pytest.mark.parametrize(("kind", "spec"), OWN_KINDS)
def test_every_field_of_our_own_kinds_is_listed(kind: str, spec: type[msgspec.Struct]) -> None:
    listed = {word for row in rows(section(kind)) for cell in code(" ".join(row)) for word in re.findall(r"\w+", cell)}
    assert set(field_names(spec)) <= listed


def test_every_metric_is_listed_with_its_labels() -> None:
    listed = {
        name: tuple(filter(None, row[1].replace("–", "").split(", ")))
        for row in rows(section("Metrics"))[2:]
        for name in code(row[0])
    }
    assert listed == {name: metric.labels for name, metric in METRICS.items()}


def test_the_keys_of_the_access_log_stand_in_their_order() -> None:
    keys = code(section("Access log").partition("\n\n|")[0])
    assert keys == [field.name for field in msgspec.structs.fields(AccessRecord)]


def test_every_flag_is_listed() -> None:
    classes = [item for _, item in inspect.getmembers(errors, inspect.isclass)]
    existing = {item.flag for item in classes if issubclass(item, errors.ProxyError)}
    listed = {flag for row in rows(section("Access log")) for flag in code(row[0]) + code(row[2])}
    assert listed == existing


def test_every_status_of_an_error_is_listed() -> None:
    classes = [item for _, item in inspect.getmembers(errors, inspect.isclass)]
    existing = {item.status for item in classes if issubclass(item, errors.ProxyError)} - {errors.ClientGone.status}
    answers = rows(section("Answers the gateway gives by itself"))[2:]
    listed = {int(status) for row in answers for status in row[0].split(", ")}
    assert existing <= listed


def test_every_view_of_the_admin_address_is_listed() -> None:
    listed = {written.rpartition("/")[2].partition("?")[0] for written in code(section("Admin address"))}
    assert {*JSON, "explain"} <= listed


LIMITS = Limits()
SETTINGS = DataPlaneSettings()


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("request line", f"{LIMITS.request_line // 1024} KiB"),
        ("request header section, its fields", f"{LIMITS.head // 1024} KiB, {LIMITS.field_count}"),
        ("trailer section, one chunk-size line", f"{LIMITS.trailers // 1024} KiB, {LIMITS.chunk_line} octets"),
        ("response header section", f"{LIMITS.response_head // 1024} KiB"),
        ("interim (1xx) responses before a final one", f"{LIMITS.interim_responses}"),
        (
            "connections to one endpoint, requests waiting for one; each per worker",
            f"{SETTINGS.max_upstream_connections:,}, {SETTINGS.max_upstream_waiting:,}",
        ),
        (
            "a whole request head, from its first octet; the first octet of a new connection",
            f"{SETTINGS.header_timeout:g} s",
        ),
        ("the next request on a connection", f"{SETTINGS.idle_timeout:g} s"),
        ("the next octet of a request body", f"{SETTINGS.body_timeout:g} s"),
        ("connecting to an endpoint", f"{SETTINGS.connect_timeout:g} s"),
        ("the response head", f"{SETTINGS.response_head_timeout:g} s"),
        ("the whole answer to a filter's question", f"{SETTINGS.answer_timeout:g} s"),
        ("a filter that waits for anything but the client", f"{SETTINGS.filter_timeout:g} s"),
        (
            "no octet in either direction; of a tunnel",
            f"{SETTINGS.exchange_idle_timeout:g} s; {SETTINGS.tunnel_timeout / 3600:g} h",
        ),
        ("an idle connection to an endpoint", f"{SETTINGS.upstream_idle_timeout:g} s"),
    ],
)
def test_limits_and_deadlines_are_those_of_the_code(row: str, value: str) -> None:
    listed = {cells[0]: cells[1] for cells in rows(section("Limits and deadlines"))}
    assert listed[row] == value
