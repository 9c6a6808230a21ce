"""Filters together (HTTPRouteRule.filters): their order, what excludes what, and a rule that cannot be served."""

import pytest

from tests.spec.declared import Declared
from tests.spec.served import Served, answers
from tests.spec.site import WEB, backend, exact, prefix, route, rule
from tests.spec.test_header_filters import request_filter, response_filter
from tests.spec.test_mirrors import mirror
from tests.spec.test_redirects import redirect, replaces
from tests.spec.test_rewrites import rewrite

EXTENSION = "{type: ExtensionRef, extensionRef: {group: example.com, kind: Magic, name: wand}}"
ADDS = request_filter("add: [{name: x-order, value: %s}]")


async def test_filters_of_the_rule_come_before_those_of_the_backend() -> None:
    ref = backend("v1", f", filters: [{ADDS % 'backend'}]")
    async with Served(WEB + route("r", rule(filters=ADDS % "rule", to=ref))) as site:
        assert (await site.ask("a/ x-order:client")).seen("x-order") == "client,rule,backend"


async def test_filters_of_the_backend_see_the_answer_first() -> None:
    adds = response_filter("add: [{name: x-order, value: %s}]")
    ref = backend("v1", f", filters: [{adds % 'backend'}]")
    async with Served(WEB + route("r", rule(filters=adds % "rule", to=ref))) as site:
        assert (await site.ask("a/ X-Echo-Set-Header:x-order:endpoint")).field("x-order") == "endpoint,backend,rule"


UNSOUND = {
    # filters, and the matches of the rule that they stand in
    "a redirect and a rewrite": (f"{redirect('port: 80')}, {rewrite('hostname: a.example')}", ()),
    "two redirects": (f"{redirect('port: 80')}, {redirect('port: 81')}", ()),
    "two rewrites": (f"{rewrite('hostname: a.example')}, {rewrite('hostname: b.example')}", ()),
    "two request modifiers": (f"{ADDS % 'a'}, {ADDS % 'b'}", ()),
    "a type that there is not": ("{type: Odd}", ()),
    "a type without its field": ("{type: URLRewrite}", ()),
    "a type with the field of another": ("{type: URLRewrite, requestRedirect: {port: 80}}", ()),
    "a prefix to replace, of an exact path": (rewrite(replaces("ReplacePrefixMatch", "/b")), (exact("/a"),)),
    "a prefix to replace, of two": (rewrite(replaces("ReplacePrefixMatch", "/c")), (prefix("/a"), prefix("/b"))),
}


@pytest.mark.parametrize("case", UNSOUND)
@pytest.mark.parametrize("place", ["rule", "backend"])
def test_filters_that_make_no_sense_cost_their_route_alone(place: str, case: str) -> None:
    """As the API server would, files refuse it."""
    filters, matches = UNSOUND[case]
    if place == "rule":
        one = rule(*matches, filters=filters)
    else:
        one = rule(*matches, to=backend("v1", f", filters: [{filters}]"))
    check_refused(one, "filters")


def test_a_redirect_leaves_nothing_for_backends_to_do() -> None:
    check_refused(rule(filters=redirect("port: 80"), to="v1"), "spec.rules[0].backendRefs")


def check_refused(one: str, field: str) -> None:
    declared = Declared(WEB + route("bad", one) + route("good", rule(to="nowhere")))
    told = [problem for problem in declared.problems if "error[HTTPRoute/default/bad]: spec.rules[0]" in problem]
    assert any(field in problem for problem in told), declared.problems
    assert not declared.has_status("HTTPRoute", "bad")
    assert declared.said("HTTPRoute", "good")["Accepted"] == "True Accepted"


@pytest.mark.parametrize("filters", [f"{mirror('v2')}, {mirror('v3')}", f"{EXTENSION}, {EXTENSION}"])
def test_mirrors_and_extensions_may_be_repeated(filters: str) -> None:
    declared = Declared(WEB + route("r", rule(filters=filters, to="nowhere")))
    assert declared.said("HTTPRoute", "r")["Accepted"] == "True Accepted"


@pytest.mark.parametrize("place", ["rule", "backend"])
async def test_an_extension_that_leads_nowhere_is_never_skipped(place: str) -> None:
    """The requests that need it get an error; those of another rule, or another backend, do not."""
    bad = rule(prefix("/x"), filters=EXTENSION, to="v1")
    if place == "backend":
        bad = rule(prefix("/x"), to=backend("v1", f", filters: [{EXTENSION}]"))
    async with Served(WEB + route("r", bad, rule(prefix("/"), to="v2"))) as site:
        said = site.declared.said("HTTPRoute", "r")
        assert said["Accepted"] == "True Accepted" and said["ResolvedRefs"].startswith("False")
        rows = {"a/x": 500, "a/x/y": 500, "a/": "v2"}
        assert await site.outcomes(rows) == rows


BAD_RULE = rule(
    "{path: {value: /bad}, headers: [{type: RegularExpression, name: x, value: '('}]}", prefix("/half"), to="v1"
)


async def test_a_rule_that_cannot_be_served_is_dropped_and_the_others_are_not() -> None:
    """What is left of it answers 500: nobody else's rule takes its requests."""
    async with Served(WEB + route("r", BAD_RULE, rule(prefix("/"), to="v2"))) as site:
        said = site.declared.said("HTTPRoute", "r")
        assert (said["Accepted"], said["PartiallyInvalid"]) == ("True Accepted", "True UnsupportedValue")
        assert site.declared.message("HTTPRoute", "r", "PartiallyInvalid").startswith("Dropped Rule(s) 0")
        assert site.declared.attached("web") == {"http": 1}
        assert await site.outcomes(["a/half", "a/"]) == {"a/half": 500, "a/": "v2"}


async def test_a_route_none_of_whose_rules_can_be_served_is_not_accepted() -> None:
    bad = rule("{path: {type: RegularExpression, value: '('}}", to="v1")
    declared = Declared(WEB + route("r", bad))
    said = declared.said("HTTPRoute", "r")
    assert said["Accepted"] == "False UnsupportedValue" and "PartiallyInvalid" not in said
    assert declared.attached("web") == {"http": 0}
    await answers(WEB + route("r", bad), {"a/": 404})
