"""The table of images: which stand-in a reference means, and that Penstock's is what the Dockerfile makes."""

import json
import re

import pytest

from tests.conformance.node.images import IMAGES, PENSTOCK, UnknownImageError, argv_of, image_named, name_of
from tests.conformance.place import ROOT


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("echo-basic", "echo-basic"),
        ("gcr.io/k8s-staging-gateway-api/echo-basic:v20240412-v1.0.0", "echo-basic"),
        ("registry.example:5000/a/coredns", "coredns"),
        ("ghcr.io/penstock/penstock@sha256:0123", "penstock"),
        ("ghcr.io/penstock/penstock:0.1.0@sha256:0123", "penstock"),
    ],
)
def test_the_last_part_of_a_reference_is_the_name(reference: str, name: str) -> None:
    assert name_of(reference) == name
    assert image_named(reference) is dict(IMAGES)[name]


def test_an_unknown_image_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownImageError, match="the image nginx:1: known are echo-basic, coredns"):
        image_named("nginx:1")


@pytest.mark.parametrize(
    ("command", "arguments", "tail"),
    [
        ([], [], ["-m", "proxy", "run", "/etc/penstock"]),
        ([], ["run", "kubernetes:"], ["-m", "proxy", "run", "kubernetes:"]),
        (["penstock"], ["check", "/config"], ["-m", "proxy", "check", "/config"]),
        (["penstock", "version"], [], ["-m", "proxy", "version"]),
        (["sleep", "1"], [], ["sleep", "1"]),
        (["sleep"], ["1"], ["sleep", "1"]),
    ],
)
def test_command_and_args_replace_what_the_image_has(command: list[str], arguments: list[str], tail: list[str]) -> None:
    assert argv_of(PENSTOCK, command, arguments)[-len(tail) :] == tail


def test_penstocks_stand_in_is_what_the_dockerfile_says() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    [command] = re.findall(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)
    assert list(PENSTOCK.command) == json.loads(command)
    [metrics] = re.findall(r"PENSTOCK_METRICS=(\S+)", dockerfile)
    assert PENSTOCK.env["PENSTOCK_METRICS"] == metrics
    assert PENSTOCK.entrypoint[1:] == ("-m", "proxy")
