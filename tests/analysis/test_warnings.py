"""What `check` warns of: rules that never answer, hostnames that others serve, redirects that lead back."""

import pytest

from proxy.analysis.warnings import find_warnings
from tests.translate.declare import APP, WEB, route, translated

TO_APP = "backendRefs: [{group: penstock.dev, kind: Backend, name: app}]"


def warned(*texts: str) -> list[tuple[str, str]]:
    """(field, message) of each."""
    translation = translated(*texts)
    found = list(find_warnings(translation.snapshot, translation.resources))
    assert all(one.severity == "warning" and one.hint for one in found)
    return [(f"{one.name}: {one.field}", one.message) for one in found]


def rule(matches: str = "", more: str = TO_APP) -> str:
    return f"{{matches: [{matches}], {more}}}" if matches else f"{{{more}}}"


def test_a_sound_configuration_has_no_warning() -> None:
    assert warned(WEB, APP, route(f"[{rule('{path: {value: /a}}')}, {rule()}]")) == []


def test_a_match_is_told_with_what_answers_first_and_why() -> None:
    older = route(f"[{{name: all, {TO_APP}}}]", name="older").replace(
        "{name: older}", '{name: older, creationTimestamp: "2024-01-01T00:00:00Z"}'
    )
    younger = route(f"[{rule('{path: {value: /}}, {path: {value: /x}}')}]").replace(
        "{name: r}", '{name: r, creationTimestamp: "2025-01-01T00:00:00Z"}'
    )
    [(field, message)] = warned(WEB, APP, older, younger)
    assert field == "r: spec.rules[0].matches[0]"
    first = "HTTPRoute default/older rules[0] (all) matches[0], which goes first by creation time"
    assert message == f"never answers: all its requests are taken by {first}"


def test_a_rule_of_which_nothing_is_left_is_told_once() -> None:
    dead = rule("{path: {value: /a}}, {path: {value: /b}}")
    [(field, message)] = warned(WEB, APP, route(f"[{rule('{path: {value: /b}}, {path: {value: /a}}')}, {dead}]"))
    assert field == "r: spec.rules[1]"
    assert message.startswith(
        "the rule never answers, by none of its 2 matches: all its requests are taken by rules[0]"
    )


def test_more_headers_go_first_so_fewer_are_not_dead() -> None:
    more = rule("{headers: [{name: a, value: x}, {name: b, value: y}]}")
    assert warned(WEB, APP, route(f"[{rule('{headers: [{name: a, value: x}]}')}, {more}]")) == []


def test_a_path_that_no_client_can_send() -> None:
    [(field, message)] = warned(WEB, APP, route(f"[{rule('{path: {value: /café}}')}, {rule()}]"))
    assert field == "r: spec.rules[0]"
    assert message == "the rule never answers: no request can be like it, as no client can send such a path"


def test_a_pattern_that_no_path_begins_like() -> None:
    pattern = "{path: {type: RegularExpression, value: 'v[0-9]+/.*'}}"
    [(field, message)] = warned(WEB, APP, route(f"[{rule(pattern)}, {rule()}]"))
    assert field == "r: spec.rules[0]"
    assert message == "the rule never answers: no request can be like it, as no client can send such a path"


def test_a_hostname_that_belongs_to_another_listener() -> None:
    gateway = WEB.replace("port: 80}", "port: 80}, {name: shop, protocol: HTTP, port: 80, hostname: shop.example.com}")
    more = ", hostnames: [other.example.com, shop.example.com]"
    to_http = route(f"[{rule()}]", more=more).replace("{name: web}", "{name: web, sectionName: http}")
    message = "not served: requests for shop.example.com belong to listener default/web/shop"
    assert warned(gateway, APP, to_http) == [("r: spec.hostnames[1]", message)]
    assert warned(gateway, APP, route(f"[{rule()}]", more=more)) == [], "attached to both, it is served by one"


def redirect(settings: str) -> str:
    return f"filters: [{{type: RequestRedirect, requestRedirect: {{{settings}}}}}]"


LOOPS = [
    # (match, redirect, the URL)
    ("{path: {value: /a}}", "statusCode: 301", "http://any.example/a"),
    ("{path: {value: /a}}", "scheme: http", "http://any.example/a"),
    ("{path: {value: /a}}", "port: 80", "http://any.example/a"),
    ("{path: {value: /a}}", "path: {type: ReplacePrefixMatch, replacePrefixMatch: /a}", "http://any.example/a"),
    ("{path: {value: /a}}", "path: {type: ReplaceFullPath, replaceFullPath: /a/b}", "http://any.example/a/b"),
    ("{path: {value: /a}, method: GET}", "statusCode: 302", "http://any.example/a"),
]


@pytest.mark.parametrize(("match", "settings", "url"), LOOPS)
def test_a_redirect_to_itself(match: str, settings: str, url: str) -> None:
    [(field, message)] = warned(WEB, APP, route(f"[{rule(match, redirect(settings))}]"))
    assert field == "r: spec.rules[0].filters"
    assert message == f"redirects to itself: {url} is answered with a redirect to {url}"


NO_LOOPS = [
    ("{path: {value: /a}}", "scheme: https"),
    ("{path: {value: /a}}", "port: 8080"),
    ("{path: {value: /a}}", "hostname: example.com"),
    ("{path: {value: /a}}", "path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}"),
    ("{path: {value: /a}}", "path: {type: ReplaceFullPath, replaceFullPath: /b}"),
    ("{path: {value: /a}, method: POST}", "statusCode: 302"),
    ("{path: {value: /a}, headers: [{name: cookie, value: none}]}", "statusCode: 302"),
]


@pytest.mark.parametrize(("match", "settings"), NO_LOOPS)
def test_a_redirect_elsewhere_or_perhaps_elsewhere(match: str, settings: str) -> None:
    assert warned(WEB, APP, route(f"[{rule(match, redirect(settings))}]")) == []


def test_a_better_rule_ends_the_loop() -> None:
    whole = redirect("path: {type: ReplaceFullPath, replaceFullPath: /a/b}")
    better = rule("{path: {type: Exact, value: /a/b}}")
    assert warned(WEB, APP, route(f"[{rule('{path: {value: /a}}', whole)}, {better}]")) == []


def calls(matches: str) -> str:
    return route(f"[{{matches: [{matches}], {TO_APP}}}]").replace("kind: HTTPRoute", "kind: GRPCRoute")


@pytest.mark.parametrize(
    "matches",
    [
        "{method: {service: a.B, method: Get}}, {method: {service: a.B}}, {method: {method: Get}}, {}",
        "{}, {method: {method: Get}}, {method: {service: a.B}}",
        "{method: {type: RegularExpression, service: 'a[.].*'}}, {method: {type: RegularExpression, method: Get}}",
    ],
)
def test_calls_that_are_all_answered(matches: str) -> None:
    assert warned(WEB, APP, calls(matches)) == []


@pytest.mark.parametrize(
    ("matches", "index"),
    [
        ("{method: {method: Get}}, {method: {method: Get}}", 1),
        ("{}, {}", 1),
        ("{method: {service: a.B}}, {method: {type: RegularExpression, service: 'a[.]B'}}", 1),
        ("{method: {method: Get}}, {method: {type: RegularExpression, service: '[^/]+', method: '[^/]+'}}", 0),
    ],
)
def test_calls_that_are_never_answered(matches: str, index: int) -> None:
    [(field, message)] = warned(WEB, APP, calls(matches))
    assert field == f"r: spec.rules[0].matches[{index}]" and "taken by rules[0]" in message
