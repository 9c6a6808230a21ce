"""Which releases of the API we say we know."""

from typing import Any

import pytest

from proxy.controller.version import with_version

STATUS: dict[str, Any] = {"conditions": [{"type": "Accepted", "status": "True"}], "supportedFeatures": []}


@pytest.mark.parametrize(
    ("release", "status", "reason"),
    [
        ("v1.6.1", "True", "SupportedVersion"),
        ("v1.5.0", "True", "SupportedVersion"),
        ("v1.6.0-rc.1", "True", "SupportedVersion"),
        ("v1.60.0", "False", "UnsupportedVersion"),
        ("v1.0.0", "False", "UnsupportedVersion"),
        ("v0.0.0-dev", "False", "UnsupportedVersion"),
        ("", "False", "UnsupportedVersion"),
    ],
)
def test_the_release_decides_and_acceptance_stays(release: str, status: str, reason: str) -> None:
    after = with_version(STATUS, (release, "standard"), 7)
    assert after["conditions"][0] == STATUS["conditions"][0]
    condition = after["conditions"][1]
    assert (condition["type"], condition["status"], condition["reason"]) == ("SupportedVersion", status, reason)
    assert condition["observedGeneration"] == 7


def test_an_unknown_release_is_named_beside_those_we_know() -> None:
    message = with_version(STATUS, ("v2.0.0", "experimental"), 1)["conditions"][1]["message"]
    assert "v2.0.0 (experimental channel)" in message
    assert "v1.5 and v1.6" in message


def test_what_nobody_knows_is_not_said() -> None:
    assert with_version(STATUS, None, 1) is STATUS
