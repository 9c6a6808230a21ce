"""What `penstock explain` and `penstock routes` say of the examples in config/."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli.main import main

CONFIG = Path(__file__).parent.parent.parent / "config"

PREFLIGHT = ["-H", "Origin: https://eu.partner.example", "-H", "Access-Control-Request-Method: PUT"]
RETRY = "retry            up to 3 retries on 503, 504, connection errors, after 100ms or more"
ASKED = "default/sso is asked: 200 lets the request pass, else its answer is the client's"
EXPLAINED = [
    # (example, arguments, a line of the answer)
    ("timeouts", ["http://a/search"], "timeouts         at most 1s for the request, 400ms for an attempt"),
    ("timeouts", ["http://a/reports"], "timeouts         no limit of time"),
    ("cors", ["-X", "OPTIONS", *PREFLIGHT, "http://a/api"], "answered here with 204"),
    ("cors", ["-X", "OPTIONS", *PREFLIGHT, "http://a/api"], "access-control-allow-methods: GET, PUT, DELETE"),
    ("cors", ["http://a/public"], "1. CORS (allowOrigins *; maxAge 5)"),
    ("mirror", ["http://a/orders"], "2. RequestMirror (backend default/next)"),
    ("mirror", ["http://a/"], "1. RequestMirror (backend default/next; percent 10.0)"),
    ("retry", ["http://a/orders"], RETRY),
    ("external-auth", ["http://a/"], ASKED),
    ("direct-response", ["http://a/robots.txt"], "answered here with 200"),
    ("session-persistence", ["http://a/shop"], "sessions         by cookie cart with path /"),
    ("session-persistence", ["http://a/api"], "sessions         by header x-session, for 1h"),
    ("backend-traffic-policy", ["http://a/"], "sessions         by cookie shop-session with path /"),
]


@pytest.mark.parametrize(("example", "arguments", "line"), EXPLAINED)
def test_explain_says_what_the_example_shows(example: str, arguments: list[str], line: str) -> None:
    done = CliRunner().invoke(main, ["explain", str(CONFIG / f"{example}.yaml"), *arguments])
    assert done.exit_code == 0
    assert line in [shown.strip() for shown in done.output.splitlines()]


LISTED = [
    ("timeouts", "-> default/app; at most 1s for the request, 400ms for an attempt"),
    ("timeouts", "-> default/app; no limit of time"),
    ("cors", "-> CORS > default/api"),
    ("mirror", "-> RequestHeaderModifier > RequestMirror > default/present"),
    ("retry", "; up to 3 retries on 503, 504, connection errors, after 100ms or more"),
    ("session-persistence", "-> default/shop; sessions by header x-session, for 1h"),
]


@pytest.mark.parametrize(("example", "end"), LISTED)
def test_routes_shows_it_in_its_line(example: str, end: str) -> None:
    done = CliRunner().invoke(main, ["routes", str(CONFIG / f"{example}.yaml")])
    assert any(line.endswith(end) for line in done.output.splitlines()), done.output
