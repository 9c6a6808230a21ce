"""DirectResponse: rules across fields."""

import pytest

from tests.resources.yamlset import decode


def answer(spec: str) -> str:
    return f"{{apiVersion: penstock.dev/v1alpha1, kind: DirectResponse, metadata: {{name: a}}, spec: {spec}}}"


@pytest.mark.parametrize(
    "spec",
    [
        "{status: 200}",
        "{status: 599, body: a}",
        '{status: 204, body: ""}',
        "{status: 304, headers: [{name: ETag, value: x}]}",
        "{status: 200, contentType: a/b, body: c}",
    ],
)
def test_what_is_sound(spec: str) -> None:
    decoded = decode(answer(spec))
    assert decoded.findings == () and decoded.item is not None


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("{status: 204, body: a}", ("spec", "body")),
        ("{status: 205, body: a}", ("spec", "body")),
        ("{status: 304, body: a}", ("spec", "body")),
        ("{status: 200, contentType: a/b}", ("spec", "contentType")),
        (
            "{status: 200, headers: [{name: A, value: b}, {name: Content-Type, value: c}]}",
            ("spec", "headers", 1, "name"),
        ),
        ("{status: 200, headers: [{name: CONTENT-LENGTH, value: '5'}]}", ("spec", "headers", 0, "name")),
        ("{status: 200, headers: [{name: Transfer-Encoding, value: chunked}]}", ("spec", "headers", 0, "name")),
        ("{status: 100}", ("spec", "status")),
        ("{status: 600}", ("spec", "status")),
    ],
)
def test_what_makes_no_sense(spec: str, path: tuple[str | int, ...]) -> None:
    decoded = decode(answer(spec))
    assert [finding.path for finding in decoded.findings] == [path] and decoded.item is None
