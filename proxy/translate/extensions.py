"""EXTENSIONS: the kinds that an ExtensionRef filter can name, and what each is compiled to.

To add one: its model and its row in `resources.kinds`, its plain description in `snapshot.route`, what is built of that
in `filters`, and a row here. Resolution, statuses, hints and `penstock explain` follow.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from proxy.resources.direct_response import DirectResponse
from proxy.resources.meta import Resource
from proxy.resources.problem import Finding
from proxy.resources.validate_direct_response import validate_direct_response
from proxy.snapshot.route import Filter
from proxy.translate.compile.direct_response import compile_direct_response


class Extension(NamedTuple):
    """A kind of group penstock.dev that is a filter."""

    model: type[Resource]
    check: Callable[[Any], Iterator[Finding]]
    """What makes an object of it unusable, beyond its types."""
    compile: Callable[[Any], Filter]
    """Of a sound object."""
    answers: bool = False
    """Every request ends there, so a rule with it needs no backend."""


EXTENSIONS: Final[dict[str, Extension]] = {
    "DirectResponse": Extension(DirectResponse, validate_direct_response, compile_direct_response, answers=True),
}
"""By kind."""

TO_COME: Final = frozenset(
    ("APIKeyAuth", "BasicAuth", "Compression", "FaultInjection", "Filter", "IPAccess", "JWTAuth", "RateLimit")
)
"""Kinds that are kept for filters and that this version does not serve."""
