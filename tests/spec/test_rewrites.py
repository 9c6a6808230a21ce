"""URLRewrite (HTTPURLRewriteFilter): host and path of what is forwarded, of a rule and of one backend."""

import pytest

from tests.spec.served import Answer, Served
from tests.spec.site import WEB, backend, prefix, route, rule
from tests.spec.test_redirects import replaces

HEADERS = (
    "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Header-Set, value: set-overwrites-values}], "
    "add: [{name: X-Header-Add, value: header-val-1}, {name: X-Header-Add-Append, value: header-val-2}], "
    "remove: [X-Header-Remove]}}"
)


def rewrite(*fields: str) -> str:
    return f"{{type: URLRewrite, urlRewrite: {{{', '.join(fields)}}}}}"


def placed(place: str, matched: str, *filters: str) -> str:
    items = ", ".join(filters)
    if place == "rule":
        return rule(prefix(matched), filters=items, to="v1")
    return rule(prefix(matched), to=backend("v1", f", filters: [{items}]"))


async def asked(one: str, line: str) -> Answer:
    async with Served(WEB + route("r", one)) as site:
        answer = await site.ask(line)
        assert answer.outcome == "v1"
        return answer


PATHS = [
    # (prefix that matched, replacement, request, what arrives)
    ("/prefix/one", "/one", "/prefix/one/two", "/one/two"),
    ("/strip-prefix", "/", "/strip-prefix/three", "/three"),
    ("/strip-prefix", "/", "/strip-prefix", "/"),
    ("/foo", "/xyz", "/foo/bar", "/xyz/bar"),
    ("/foo", "/xyz/", "/foo/bar", "/xyz/bar"),
    ("/foo/", "/xyz", "/foo/bar", "/xyz/bar"),
    ("/foo/", "/xyz/", "/foo/bar", "/xyz/bar"),
    ("/foo", "/xyz", "/foo", "/xyz"),
    ("/foo", "/xyz", "/foo/", "/xyz/"),
    ("/foo", "", "/foo/bar", "/bar"),
    ("/foo", "", "/foo/", "/"),
    ("/foo", "", "/foo", "/"),
    ("/foo", "/", "/foo/", "/"),
    ("/foo", "/", "/foo", "/"),
    ("/foo", "/xyz", "/foo/bar?x=1&y=%2F", "/xyz/bar?x=1&y=%2F"),
    ("/foo", "/", "/foo?x", "/?x"),
]


@pytest.mark.parametrize("place", ["rule", "backend"])
@pytest.mark.parametrize(("matched", "replacement", "asked_for", "arrives"), PATHS)
async def test_the_prefix_is_replaced_by_whole_elements(
    place: str, matched: str, replacement: str, asked_for: str, arrives: str
) -> None:
    one = placed(place, matched, rewrite(replaces("ReplacePrefixMatch", replacement)))
    assert (await asked(one, f"a{asked_for}")).target == arrives


@pytest.mark.parametrize("place", ["rule", "backend"])
async def test_the_whole_path_is_replaced_and_the_query_is_not(place: str) -> None:
    one = placed(place, "/full/one", rewrite(replaces("ReplaceFullPath", "/one")))
    assert (await asked(one, "a/full/one/two")).target == "/one"
    assert (await asked(one, "a/full/one/two?x=/full")).target == "/one?x=/full"


@pytest.mark.parametrize("place", ["rule", "backend"])
async def test_the_host_is_replaced_and_nothing_else(place: str) -> None:
    answer = await asked(placed(place, "/", rewrite("hostname: one.example.org")), "example.com:80/x/y?z")
    assert (answer.seen("host"), answer.target) == ("one.example.org", "/x/y?z")


@pytest.mark.parametrize("modifier", [("ReplaceFullPath", "/test"), ("ReplacePrefixMatch", "/test")])
@pytest.mark.parametrize("host", [True, False])
async def test_with_headers_beside_it(host: bool, modifier: tuple[str, str]) -> None:
    fields = ([replaces(*modifier)] if not host else []) + (["hostname: test.example.org"] if host else [])
    line = "a/rewrite X-Header-Remove:remove-val X-Header-Add-Append:append-val-1 X-Header-Set:set-val"
    answer = await asked(placed("rule", "/rewrite", rewrite(*fields), HEADERS), line)
    assert answer.seen("host") == ("test.example.org" if host else "a")
    assert answer.target == ("/rewrite" if host else "/test")
    assert [answer.seen(f"x-header-{name}") for name in ("add", "add-append", "set", "remove")] == [
        "header-val-1", "append-val-1,header-val-2", "set-overwrites-values", None,
    ]  # fmt: skip


async def test_a_rewrite_of_one_backend_is_for_its_share_and_others_get_what_was_asked_for() -> None:
    rewritten = rewrite("hostname: two.example.org", replaces("ReplaceFullPath", "/two"))
    refs = f"{backend('v1')}, {backend('v2', f', filters: [{rewritten}]')}"
    async with Served(WEB + route("r", rule(prefix("/x"), to=refs))) as site:
        got = {
            (answer.outcome, answer.seen("host"), answer.target)
            for answer in [await site.ask("a/x/1") for _ in range(6)]
        }
        assert got == {("v1", "a", "/x/1"), ("v2", "two.example.org", "/two")}
