"""Rules that sources or API servers usually refuse: each is dropped with its reason, nothing else is."""

import pytest
from msgspec.structs import replace

from proxy.resources.httproute import HTTPHeader, HTTPHeaderFilter, HTTPRoute, HTTPRouteFilter
from proxy.resources.meta import ObjectMeta
from proxy.resources.store import ResourceSet
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import translate
from tests.translate.declare import APP, WEB, objects, route, route_condition, translated

BACKENDS = "backendRefs: [{group: penstock.dev, kind: Backend, name: app}]"
REDIRECT = "{type: RequestRedirect, requestRedirect: {scheme: https}}"
REWRITE = "{type: URLRewrite, urlRewrite: {hostname: a.example.com}}"
MIRROR = "{type: RequestMirror, requestMirror: {backendRef: {group: penstock.dev, kind: Backend, name: app}, %s}}"
CORS = "{type: CORS, cors: {%s}}"
AT = "filters[0].cors"
STAR = "'*'"
STRIP = "{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}"


@pytest.mark.parametrize(
    ("rule", "reason", "field"),
    [
        (f"filters: [{REDIRECT}], {BACKENDS}", "UnsupportedValue", "backendRefs"),
        (f"filters: [{REDIRECT}, {REWRITE}]", "IncompatibleFilters", "filters"),
        (f"filters: [{REWRITE}, {REWRITE}], {BACKENDS}", "IncompatibleFilters", "filters[1]"),
        (f"filters: [{{type: URLRewrite}}], {BACKENDS}", "UnsupportedValue", "filters[0].urlRewrite"),
        ("filters: [{type: RequestRedirect}]", "UnsupportedValue", "filters[0].requestRedirect"),
        (
            f"filters: [{{type: RequestHeaderModifier}}], {BACKENDS}",
            "UnsupportedValue",
            "filters[0].requestHeaderModifier",
        ),
        (
            f"filters: [{{type: ResponseHeaderModifier}}], {BACKENDS}",
            "UnsupportedValue",
            "filters[0].responseHeaderModifier",
        ),
        (f"filters: [{{type: ExtensionRef}}], {BACKENDS}", "UnsupportedValue", "filters[0].extensionRef"),
        (
            f"matches: [{{path: {{value: /a}}}}, {{path: {{value: /b}}}}], filters: [{STRIP}], {BACKENDS}",
            "UnsupportedValue",
            "filters[0].urlRewrite.path",
        ),
        (
            f"matches: [{{path: {{type: Exact, value: /a}}}}], filters: [{STRIP}], {BACKENDS}",
            "UnsupportedValue",
            "filters[0].urlRewrite.path",
        ),
        (
            "filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath}}}]",
            "UnsupportedValue",
            "filters[0].requestRedirect.path",
        ),
        (
            "filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplacePrefixMatch}}}]",
            "UnsupportedValue",
            "filters[0].requestRedirect.path",
        ),
        (f"matches: [{{path: {{value: a}}}}], {BACKENDS}", "UnsupportedValue", "matches[0].path.value"),
        (f"filters: [{{type: RequestMirror}}], {BACKENDS}", "UnsupportedValue", "filters[0].requestMirror"),
        (
            f"filters: [{MIRROR % 'percent: 1, fraction: {numerator: 1}'}], {BACKENDS}",
            "UnsupportedValue",
            "filters[0].requestMirror.fraction",
        ),
        (
            f"filters: [{MIRROR % 'fraction: {numerator: 3, denominator: 2}'}], {BACKENDS}",
            "UnsupportedValue",
            "filters[0].requestMirror.fraction",
        ),
        (f"filters: [{{type: CORS}}], {BACKENDS}", "UnsupportedValue", "filters[0].cors"),
        (
            f"filters: [{CORS % 'allowOrigins: [https://a.example.com:99999]'}], {BACKENDS}",
            "UnsupportedValue",
            f"{AT}.allowOrigins[0]",
        ),
        (
            f"filters: [{CORS % f'allowOrigins: [{STAR}, https://a.example.com]'}], {BACKENDS}",
            "UnsupportedValue",
            f"{AT}.allowOrigins",
        ),
        (
            f"filters: [{CORS % f'allowOrigins: [{STAR}], allowMethods: [{STAR}, GET]'}], {BACKENDS}",
            "UnsupportedValue",
            f"{AT}.allowMethods",
        ),
        (
            f"timeouts: {{request: 1s, backendRequest: 2s}}, {BACKENDS}",
            "UnsupportedValue",
            "timeouts.backendRequest",
        ),
    ],
)
def test_a_rule_that_cannot_be_served(rule: str, reason: str, field: str) -> None:
    alone = translated(WEB, APP, route(f"[{{{rule}}}]"))
    assert route_condition(alone, "Accepted") == ("False", reason)
    assert f"spec.rules[0].{field}" in [problem.field for problem in alone.problems]
    assert not alone.snapshot.buckets

    beside = translated(WEB, APP, route(f"[{{{rule}}}, {{{BACKENDS}}}]"))
    assert route_condition(beside, "Accepted") == ("True", "Accepted")
    assert route_condition(beside, "PartiallyInvalid") == ("True", "UnsupportedValue")
    bucket = beside.snapshot.buckets["default/web/http", b""]
    sound = next(served for served in bucket.rules if served.index == 1)
    assert sound.backends


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("a b", "x", "set[0].name"),
        ("", "x", "set[0].name"),
        ("a\r\nb", "x", "set[0].name"),
        ("a", "x\r\nset-cookie: y", "set[0].value"),
        ("a", "x\0", "set[0].value"),
        ("Content-Length", "0", "set[0].name"),
        ("TE", "trailers", "set[0].name"),
    ],
)
def test_no_header_modifier_can_break_a_message(name: str, value: str, field: str) -> None:
    """Built directly: the model's own limits stop these where they are decoded."""
    (declared,) = objects(route(f"[{{{BACKENDS}}}]"))
    assert isinstance(declared, HTTPRoute)
    changes = HTTPHeaderFilter(set=(HTTPHeader(name, value),))
    item = HTTPRouteFilter("ResponseHeaderModifier", response_header_modifier=changes)
    rule = replace(declared.spec.rules[0], filters=(item,))
    bad = replace(declared, spec=replace(declared.spec, rules=(rule,)))
    outcome = translate(ResourceSet([*objects(WEB), *objects(APP), bad]), TranslateSettings())
    assert route_condition(outcome, "Accepted") == ("False", "UnsupportedValue")
    assert [problem.field for problem in outcome.problems] == [
        f"spec.rules[0].filters[0].responseHeaderModifier.{field}"
    ]


def test_hostnames_that_are_none_are_dropped_and_said() -> None:
    (declared,) = objects(route(f"[{{{BACKENDS}}}]"))
    assert isinstance(declared, HTTPRoute)

    def with_hostnames(*names: str) -> ResourceSet:
        spec = replace(declared.spec, hostnames=names)
        return ResourceSet([*objects(WEB), *objects(APP), replace(declared, spec=spec)])

    some = translate(with_hostnames("a b", "UPPER.example.com"), TranslateSettings())
    assert [hostname for _, hostname in some.snapshot.buckets] == [b"upper.example.com"]
    assert route_condition(some, "Accepted") == ("True", "Accepted")
    assert route_condition(some, "PartiallyInvalid") == ("True", "UnsupportedValue")

    none = translate(with_hostnames("a b"), TranslateSettings())
    assert not none.snapshot.buckets, "a route with hostnames never becomes one for every host"
    assert route_condition(none, "Accepted") == ("False", "UnsupportedValue")


def test_a_route_with_an_empty_list_of_rules_serves_nothing() -> None:
    (declared,) = objects(route(f"[{{{BACKENDS}}}]"))
    assert isinstance(declared, HTTPRoute)
    empty = replace(declared, spec=replace(declared.spec, rules=()))
    outcome = translate(ResourceSet([*objects(WEB), empty]), TranslateSettings())
    assert route_condition(outcome, "Accepted") == ("True", "Accepted")
    assert [len(bucket.entries) for bucket in outcome.snapshot.buckets.values()] == [0]
    assert [problem.field for problem in outcome.problems] == ["spec.rules"]


def test_the_regex_engine_is_a_parameter() -> None:
    rules = f'[{{matches: [{{path: {{type: RegularExpression, value: "/a(?=b)"}}}}], {BACKENDS}}}]'
    resources = ResourceSet([*objects(WEB), *objects(APP), *objects(route(rules))])
    outcome = translate(resources, TranslateSettings(), check_regex=lambda pattern: "")
    assert route_condition(outcome, "Accepted") == ("True", "Accepted")


def test_metadata_of_a_route_is_what_logs_and_precedence_get() -> None:
    (declared,) = objects(route(f"[{{name: main, {BACKENDS}}}]"))
    assert isinstance(declared, HTTPRoute)
    meta = ObjectMeta(name="r", namespace="default", creation_timestamp="2024-01-01T00:00:00Z")
    outcome = translate(ResourceSet([*objects(WEB), replace(declared, metadata=meta)]), TranslateSettings())
    (rule,) = outcome.snapshot.buckets["default/web/http", b""].rules
    assert (rule.route, rule.index, rule.label, rule.created) == ("default/r", 0, "main", "2024-01-01T00:00:00Z")
