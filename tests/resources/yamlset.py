"""What the tests of this folder share: a document in, its findings out."""

from typing import Any

from proxy.resources.decode import Decoded, decode_document
from proxy.resources.problem import dotted
from proxy.sources.yamltext import parse_yaml


def decode(text: str) -> Decoded:
    """The one object of a document."""
    (only,) = decode_document(parse_yaml(text))
    return only


def findings(text: str) -> list[tuple[str, str]]:
    """(field, message) of every finding."""
    return [(dotted(finding.path), finding.message) for finding in decode(text).findings]


def hints(text: str) -> list[str]:
    return [finding.hint for finding in decode(text).findings]


def spec_of(text: str) -> Any:
    """The spec of a document that must be sound."""
    decoded = decode(text)
    assert decoded.findings == ()
    assert decoded.item is not None
    return decoded.item.spec  # type: ignore[attr-defined]
