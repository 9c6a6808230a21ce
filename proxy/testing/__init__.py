"""Ask a configuration where requests go, in a test: no socket, no process, the tables and filters that serve.

    from proxy.testing import load

    gateway = load("routes.yaml")
    gateway.get("http://shop.example/cart").goes_to("shop/cart:8080")

With pytest there is more: the fixture `penstock` does the same, and files of cases are collected
(docs/testing.md). Importing this module costs nothing until something is loaded; pytest is not needed for it.
"""

import os
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proxy.testing.answer import Answer as Answer
    from proxy.testing.errors import ConfigurationError as ConfigurationError
    from proxy.testing.gateway import Gateway as Gateway
    from proxy.testing.plugin import Penstock as Penstock

__all__ = ["Answer", "ConfigurationError", "Declared", "Gateway", "Penstock", "load"]

Declared = str | os.PathLike[str] | Mapping[str, Any]
"""Configuration: the path of a file or directory; text with a line break, which is YAML; or one object as a mapping."""

_HOMES = {
    "Answer": "proxy.testing.answer",
    "ConfigurationError": "proxy.testing.errors",
    "Gateway": "proxy.testing.gateway",
    "Penstock": "proxy.testing.plugin",
}
"""Who lives where: pytest imports this package at every start, so what is behind these is imported when asked for."""


def load(*declared: Declared, strict: bool = True) -> "Gateway":
    """A gateway that is asked instead of run, on what `penstock run` would be given.

    declared: all of it together, as several SOURCE are; paths are seen from the working directory.
    strict: False takes what has errors, too, as a running gateway does; they are in `Gateway.problems`.
    Raises ConfigurationError, whose text is that of `penstock check`.
    """
    from proxy.testing.gateway import Gateway  # noqa: PLC0415 - see above

    return Gateway.load(*declared, strict=strict)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            return getattr(import_module(_HOMES[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
