"""Hostnames: which listener a request belongs to, and which hosts a route serves there (HTTPRouteSpec.hostnames)."""

import pytest

from tests.spec.declared import Declared
from tests.spec.served import Served, answers
from tests.spec.site import WEB, gateway, listener, prefix, route, rule

THREE = gateway(
    listener("listener-1", "very.specific.com"),
    listener("listener-2", "*.wildcard.io"),
    listener("listener-3", "*.anotherwildcard.io"),
)
NOWHERE = route("no-intersecting-hosts", rule(prefix("/s5"), to="v2"), hosts="specific.but.wrong.com, wildcard.io")
MEETING = (
    route("s1", rule(prefix("/s1"), to="v1"), hosts="non.matching.com, *.nonmatchingwildcard.io, very.specific.com")
    + route("s2", rule(prefix("/s2"), to="v2"),
            hosts="non.matching.com, wildcard.io, foo.wildcard.io, bar.wildcard.io, foo.bar.wildcard.io")
    + route("s3", rule(prefix("/s3"), to="v3"), hosts="non.matching.com, *.specific.com")
    + route("s4", rule(prefix("/s4"), to="v1"), hosts="*.anotherwildcard.io")
)  # fmt: skip


async def test_a_route_serves_the_hosts_that_it_and_its_listener_have_in_common() -> None:
    await answers(
        THREE + MEETING + NOWHERE,
        {
            "very.specific.com/s1": "v1",
            "very.specific.com:1234/s1": "v1",  # the port takes no part
            "VERY.specific.com/s1": "v1",
            "non.matching.com/s1": 404,
            "foo.nonmatchingwildcard.io/s1": 404,
            "foo.wildcard.io/s1": 404,
            "very.specific.com/non-matching-prefix": 404,
            "foo.wildcard.io/s2": "v2",
            "bar.wildcard.io/s2": "v2",
            "foo.bar.wildcard.io/s2": "v2",
            "non.matching.com/s2": 404,
            "wildcard.io/s2": 404,
            "very.specific.com/s2": 404,
            "foo.wildcard.io/non-matching-prefix": 404,
            "very.specific.com/s3": "v3",
            "non.matching.com/s3": 404,
            "foo.specific.com/s3": 404,
            "foo.wildcard.io/s3": 404,
            "foo.anotherwildcard.io/s4": "v1",
            "bar.anotherwildcard.io/s4": "v1",
            "foo.bar.anotherwildcard.io/s4": "v1",  # a wildcard stands for one label or more
            "anotherwildcard.io/s4": 404,  # and not for none
            "foo.wildcard.io/s4": 404,
            "very.specific.com/s4": 404,
            "specific.but.wrong.com/s5": 404,
            "wildcard.io/s5": 404,
        },
    )


def test_hostnames_that_meet_nothing_are_ignored_unless_all_do() -> None:
    declared = Declared(THREE + MEETING + NOWHERE)
    for name in ("s1", "s2", "s3", "s4"):
        assert declared.said("HTTPRoute", name)["Accepted"] == "True Accepted"
    assert declared.said("HTTPRoute", "no-intersecting-hosts")["Accepted"] == "False NoMatchingListenerHostname"
    assert declared.attached("web") == {"listener-1": 2, "listener-2": 1, "listener-3": 1}


async def test_a_listener_without_hostname_serves_the_routes_own() -> None:
    site = WEB + route("all", rule(to="v2"), hosts="first.com, sub.first.com, second.com, sub.second.com")
    own = dict.fromkeys(("first.com/", "sub.first.com/", "second.com/", "sub.second.com/"), "v2")
    await answers(site, {**own, "third.com/": 404, "sub.third.com/": 404, "a.sub.first.com/": 404})


async def test_every_host_is_served_where_neither_says_any() -> None:
    hosts = ("example.com", "127.0.0.1", "127.0.0.1:80", "[::1]", "[2001:db8::1]:80", "a.b.c.")
    await answers(WEB + route("r", rule(to="v1")), {f"{host}/": "v1" for host in hosts})


async def test_one_dot_at_the_end_of_a_host_does_not_count() -> None:
    await answers(gateway(listener("l", "a.com")) + route("r", rule(to="v1")), {"a.com./": "v1", "a.com.:80/": "v1"})


async def test_the_most_specific_listener_takes_the_request() -> None:
    """Exact before wildcards, of those the one with more labels; each with a route of its own."""
    listeners = {"bar.com": "v1", "foo.bar.com": "v2", "*.bar.com": "v3", "*.foo.bar.com": "v1"}
    names = [f"l{i}" for i in range(4)]
    site = gateway(*(listener(name, host) for name, host in zip(names, listeners, strict=True))) + "".join(
        route(name, rule(to=to), parents=f"{{name: web, sectionName: {name}}}")
        for name, to in zip(names, listeners.values(), strict=True)
    )
    await answers(
        site,
        {
            "bar.com/": "v1",
            "foo.bar.com/": "v2",
            "baz.bar.com/": "v3",
            "boo.bar.com/": "v3",
            "multiple.prefixes.bar.com/": "v3",
            "multiple.prefixes.foo.bar.com/": "v1",
            "foo.com/": 404,
            "no.matching.host/": 404,
        },
    )


NESTED = {"empty": "", "wildcard": "*.example.com", "deeper": "*.foo.example.com", "exact": "abc.foo.example.com"}
HOSTS = {
    "empty": "bar.com",
    "wildcard": "bar.example.com",
    "deeper": "bar.foo.example.com",
    "exact": "abc.foo.example.com",
}


@pytest.mark.parametrize("both_sides", [False, True])
async def test_listeners_are_isolated(both_sides: bool) -> None:
    """No route of a less specific listener answers, whether hostnames stand on the listeners alone or on both sides."""
    allowing = ", allowedRoutes: {namespaces: {from: All}}"
    site = gateway(*(listener(name, host, more=allowing) for name, host in NESTED.items())) + "".join(
        route(
            name,
            rule(prefix(f"/{name}"), to="v1"),
            parents=f"{{name: web, sectionName: {name}}}",
            hosts="bar.com, *.example.com, *.foo.example.com, abc.foo.example.com" if both_sides else "",
        )
        for name in NESTED
    )
    expected = {f"{HOSTS[at]}/{name}": "v1" if at == name else 404 for at in NESTED for name in NESTED}
    assert len(expected) == 16
    await answers(site, expected)


async def test_host_goes_on_as_it_came() -> None:
    async with Served(WEB + route("r", rule(to="v1"))) as site:
        for host in ("Example.COM:1234", "10.0.0.1"):
            assert (await site.ask(f"{host}/")).seen("host") == host
