"""SupportedVersion of a GatewayClass: whether we know the release of the API's CRDs that is installed."""

import re
from typing import Any

from proxy.controller.conditions import Condition

KNOWN = ("v1.5", "v1.6")
"""Release lines of the Gateway API whose fields and rules we read as they are meant."""

_LINE = re.compile(r"(v\d+\.\d+)\.\d+")


def with_version(status: dict[str, Any], bundle: tuple[str, str] | None, generation: int) -> dict[str, Any]:
    """The status of a GatewayClass with the condition. `bundle` is (release, channel); None when nobody knows.

    Accepted stays as it is: with an unknown release we do what we can (GatewayClassConditionStatusSupportedVersion).
    """
    if bundle is None:
        return status
    return {**status, "conditions": [*status["conditions"], supported_version(*bundle, generation)]}


def supported_version(release: str, channel: str, generation: int) -> Condition:
    line = _LINE.match(release)
    known = line is not None and line[1] in KNOWN
    installed = f"the CRDs of Gateway API {release or 'of no release'} ({channel or 'no'} channel) are installed"
    expected = f", Penstock knows {' and '.join(KNOWN)}: what is new in others has no effect"
    return {
        "type": "SupportedVersion",
        "status": "True" if known else "False",
        "reason": "SupportedVersion" if known else "UnsupportedVersion",
        "message": installed if known else installed + expected,
        "observedGeneration": generation,
    }
