"""Explanations of texts and of the examples in config/."""

from pathlib import Path
from typing import Any

from proxy.admin.explain import gateway_wide
from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.question import Asked
from proxy.sources.file import load_text
from proxy.translate.explain.explain import Explained, explain
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import translate

Data = dict[str, Any]
CONFIG = Path(__file__).parent.parent.parent.parent / "config"


def told_of(
    text: str,
    asked: Asked,
    settings: TranslateSettings | None = None,
    plane: DataPlaneSettings | None = None,
) -> Data:
    loaded = load_text(text, "site.yaml")
    translation = translate(loaded.resources, settings or TranslateSettings())
    return explain(Explained(translation, gateway_wide(plane or DataPlaneSettings()), loaded.place), asked)


def example(name: str, url: str) -> Data:
    return told_of((CONFIG / f"{name}.yaml").read_text(), Asked("GET", url))


def policy(policies: list[Data], name: str) -> Data:
    return next(one for one in policies if one["policy"] == name)


def origins(policy: Data) -> list[str]:
    """As `Kind namespace/name field`, or the option or default."""
    return [_words(one) for one in policy["from"]]


def _words(one: Data) -> str:
    if "kind" not in one:
        return " ".join(one.values())
    return f"{one['kind']} {one['namespace']}/{one['name']} {one['field']}".rstrip()
