"""The table of images: what stands in for each on this machine, and how it is started.

There are no images here. An image of the suite is one static binary, run in a chroot that holds nothing but
it and the Pod's volumes. Penstock's own image is this checkout, run by this interpreter, on the machine's
files with the Pod's volumes laid over them.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance import binaries
from tests.conformance.place import ROOT


@dataclass(frozen=True)
class Image:
    """What runs for an image."""

    entrypoint: tuple[str, ...]
    command: tuple[str, ...] = ()
    """What the Dockerfile's CMD is: the arguments if the container gives none."""
    aliases: frozenset[str] = frozenset()
    """Words that, as the first of a container's `command`, mean the entrypoint."""
    binary: str = ""
    """A static binary of the kit, all that its chroot has. "": the machine's own files, under the Pod's volumes."""
    has_token: bool = False
    """Whether it gets a ServiceAccount token, as every Pod of a real cluster does."""
    has_probes: bool = False
    """Whether its readinessProbe counts; else it is ready as soon as it listens."""
    env: Mapping[str, str] = field(default_factory=dict)


def static(name: str) -> Image:
    return Image(entrypoint=(f"/{name}",), binary=name, env={"PATH": "/"})


PENSTOCK = Image(
    entrypoint=(sys.executable, "-m", "proxy"),
    command=("run", "/etc/penstock"),
    aliases=frozenset({"penstock"}),
    has_token=True,
    has_probes=True,
    env={
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "PENSTOCK_METRICS": "0.0.0.0:9901",
    },
)
"""As the Dockerfile has it; test_images.py compares the two."""

IMAGES: tuple[tuple[str, Image], ...] = (
    ("echo-basic", static("echo-basic")),
    ("coredns", static("coredns")),
    ("penstock", PENSTOCK),
)
"""Last part of an image's name to what stands in for it."""


class UnknownImageError(Exception):
    """Nothing stands in for that image."""


def image_named(reference: str) -> Image:
    """`registry/path/name:tag@digest` to its stand-in. Raises UnknownImageError."""
    name = name_of(reference)
    for known, image in IMAGES:
        if name == known:
            return image
    known_names = ", ".join(name for name, _ in IMAGES)
    raise UnknownImageError(f"nothing stands in for the image {reference}: known are {known_names}")


def name_of(reference: str) -> str:
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def install(image: Image, root: Path) -> None:
    """Put the binary where its chroot will have it; a link where the file system allows one."""
    if image.binary:
        binary = binaries.path(image.binary)
        try:
            os.link(binary, root / binary.name)
        except OSError:
            shutil.copy2(binary, root / binary.name)


def argv_of(image: Image, command: list[str], arguments: list[str]) -> list[str]:
    """As Kubernetes joins them: `command` replaces the entrypoint and drops the image's own arguments."""
    if command and command[0] not in image.aliases:
        return [*command, *arguments]
    if command:
        return [*image.entrypoint, *command[1:], *arguments]
    return [*image.entrypoint, *(arguments or image.command)]
