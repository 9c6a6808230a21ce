"""Paths (HTTPPathMatch): exact and prefix, what a path element is, and which of several paths wins."""

import pytest

from tests.spec.declared import Declared
from tests.spec.served import Served, answers
from tests.spec.site import WEB, exact, prefix, route, rule


async def test_an_exact_path_is_compared_octet_for_octet() -> None:
    site = WEB + route("exact", rule(exact("/one"), to="v1"), rule(exact("/two"), to="v2"))
    rows: dict[str, str | int] = {"a/one": "v1", "a/two": "v2", "a/one?x=1": "v1"}
    rows |= dict.fromkeys(("a/", "a/one/example", "a/two/", "a/Two"), 404)
    await answers(site, rows)


@pytest.mark.parametrize("written", ["/abc", "/abc/"])
async def test_a_prefix_is_whole_elements_and_its_own_trailing_slash_does_not_count(written: str) -> None:
    site = WEB + route("prefix", rule(prefix(written), to="v1"))
    await answers(site, {"a/abc": "v1", "a/abc/": "v1", "a/abc/def": "v1", "a/abcd": 404, "a/ABC": 404, "a/x/abc": 404})


async def test_a_prefix_begins_at_the_root_and_ends_at_an_element() -> None:
    two = "{headers: [{name: version, value: two}]}"
    one = "{headers: [{name: version, value: one}]}"
    site = WEB + route("matching", rule(prefix("/"), one, to="v1"), rule(prefix("/v2"), two, to="v2"))
    await answers(
        site,
        {
            "a/": "v1",
            "a/example": "v1",
            "a/ Version:one": "v1",
            "a/v2": "v2",
            "a/v2/example": "v2",
            "a/ Version:two": "v2",
            "a/v2/": "v2",
            "a/v2example": "v1",
            "a/foo/v2/example": "v1",
        },
    )


async def test_exact_goes_before_prefix_and_the_longer_prefix_before_the_shorter() -> None:
    rules = [
        rule(exact("/match"), to="v1"),
        rule(exact("/match/exact"), to="v2"),
        rule(exact("/match/exact/one"), to="v3"),
        rule(prefix("/match/"), to="v3"),
        rule(prefix("/match/prefix/"), to="v1"),
        rule(prefix("/match/prefix/one"), to="v2"),
    ]
    await answers(
        WEB + route("order", *rules),
        {
            "a/match/exact/one": "v3",
            "a/match/exact": "v2",
            "a/match": "v1",
            "a/match/prefix/one/any": "v2",
            "a/match/prefix/any": "v1",
            "a/match/any": "v3",
        },
    )


@pytest.mark.parametrize("rules", [(), (rule(to="v1"),), (rule("{}", to="v1"),), (rule("{path: {}}", to="v1"),)])
async def test_what_is_left_out_matches_every_path(rules: tuple[str, ...]) -> None:
    """Without rules there is one that matches everything, and it has no backend."""
    await answers(WEB + route("all", *rules), dict.fromkeys(("a/", "a/x/y", "POST a/z?q"), "v1" if rules else 500))


async def test_the_query_takes_no_part_and_travels_along() -> None:
    async with Served(WEB + route("r", rule(exact("/a%7Eb"), to="v1"))) as site:
        assert (await site.ask("h/a~b?x=/c&y=%7E")).target == "/a~b?x=/c&y=%7E"


async def test_what_is_matched_and_what_is_forwarded_do_not_diverge_on_dots() -> None:
    site = WEB + route("r", rule(prefix("/public"), to="v1"), rule(prefix("/private"), to="v2"))
    async with Served(site) as served:
        answer = await served.ask("h/public/../private/x")
        assert (answer.outcome, answer.target) == ("v2", "/private/x")
        assert (await served.ask("h/public/%2e%2e/private")).outcome == 400


@pytest.mark.parametrize(
    "path", ["a", "/a//b", "/a/./b", "/a/../b", "/a%2fb", "/a%2Fb", "/a#b", "/a/..", "/a/.", "/a b", "/" + "x" * 1024]
)
@pytest.mark.parametrize("kind", ["Exact", "PathPrefix"])
def test_a_path_that_no_request_can_have_is_refused_alone(kind: str, path: str) -> None:
    bad = route("bad", rule(f"{{path: {{type: {kind}, value: '{path}'}}}}", to="v1"))
    declared = Declared(WEB + bad + route("good", rule(prefix("/"), to="v1")))
    [problem] = [problem for problem in declared.problems if "HTTPRoute/default/bad" in problem]
    assert "spec.rules[0].matches[0].path.value" in problem
    assert declared.said("HTTPRoute", "good")["Accepted"] == "True Accepted"


async def test_a_regular_expression_matches_the_whole_path_and_stands_between_exact_and_prefix() -> None:
    rules = [
        rule("{path: {type: RegularExpression, value: '/v[0-9]+'}}", to="v2"),
        rule(prefix("/"), to="v1"),
        rule(exact("/v7"), to="v3"),
    ]
    await answers(WEB + route("r", *rules), {"a/v12": "v2", "a/v7": "v3", "a/v12/x": "v1", "a/xv1": "v1"})
