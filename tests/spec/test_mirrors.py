"""RequestMirror (HTTPRequestMirrorFilter): a copy for a second backend, and nothing of it for the client."""

import pytest

from tests.e2e.peers import Backend
from tests.patience import eventually
from tests.spec.declared import Declared
from tests.spec.echo import echo
from tests.spec.served import Served, service
from tests.spec.site import WEB, prefix, route, rule


def mirror(name: str, more: str = "") -> str:
    return f"{{type: RequestMirror, requestMirror: {{backendRef: {{name: {name}, port: 8080}}{more}}}}}"


def site_of(filters: str, *mirrors: str) -> tuple[str, dict[str, Backend]]:
    backends = {name: echo(name) for name in mirrors}
    services = "".join(service(name, 0).replace("port: 0", f"port: ${name}") for name in mirrors)
    return WEB + services + route("r", rule(prefix("/mirror"), filters=filters, to="v1")), backends


@pytest.mark.parametrize("names", [("m1",), ("m1", "m2")])
async def test_every_mirror_gets_the_request_as_it_was_asked_for(names: tuple[str, ...]) -> None:
    site, mirrors = site_of(", ".join(map(mirror, names)), *names)
    async with Served(site, backends=mirrors) as served:
        assert (await served.ask("POST h/mirror/a%2Fb?q=1 X-A:b content-length:0")).outcome == "v1"
        await eventually(lambda: all(each.requests for each in mirrors.values()))
        for each in mirrors.values():
            [copy] = each.requests
            assert (copy.method, copy.target, copy.all(b"host"), copy.all(b"x-a")) == (
                b"POST", b"/mirror/a%2Fb?q=1", [b"h"], [b"b"],
            )  # fmt: skip


async def test_other_filters_of_the_rule_change_the_request_itself() -> None:
    headers = "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Set, value: s}], remove: [X-Gone]}}"
    site, mirrors = site_of(f"{headers}, {mirror('m1')}", "m1")
    async with Served(site, backends=mirrors) as served:
        answer = await served.ask("h/mirror X-Gone:x X-Set:old")
        assert (answer.outcome, answer.seen("x-set"), answer.seen("x-gone")) == ("v1", "s", None)
        await eventually(lambda: mirrors["m1"].requests)


@pytest.mark.parametrize(
    ("share", "chance"),
    [
        (", percent: 0", 0.0),
        (", percent: 100", 1.0),
        (", percent: 20", 0.2),
        (", fraction: {numerator: 25, denominator: 50}", 0.5),
        (", fraction: {numerator: 35}", 0.35),
    ],
)
async def test_a_share_of_the_requests_is_copied(share: str, chance: float) -> None:
    """Within five standard deviations, which one run in a million leaves; none and all are exact."""
    total = 400
    site, mirrors = site_of(mirror("m1", share), "m1")
    allowed = 5 * (total * chance * (1 - chance)) ** 0.5

    def within() -> bool:
        return bool(abs(len(mirrors["m1"].requests) - total * chance) <= allowed)

    async with Served(site, backends=mirrors) as served:
        for _ in range(total):
            await served.ask("h/mirror")
        await eventually(within)
    assert within()  # nor did any come later


BROKEN = {
    "BackendNotFound": "{name: nowhere, port: 8080}",
    "InvalidKind": "{kind: Odd, name: v1, port: 8080}",
    "RefNotPermitted": "{name: v1, namespace: shop, port: 8080}",
}


@pytest.mark.parametrize("reason", BROKEN)
async def test_a_mirror_that_leads_nowhere_is_told_and_costs_the_request_nothing(reason: str) -> None:
    item = f"{{type: RequestMirror, requestMirror: {{backendRef: {BROKEN[reason]}}}}}"
    async with Served(WEB + route("r", rule(filters=item, to="v1"))) as served:
        said = served.declared.said("HTTPRoute", "r")
        assert (said["Accepted"], said["ResolvedRefs"]) == ("True Accepted", f"False {reason}")
        assert (await served.ask("a/")).outcome == "v1"


@pytest.mark.parametrize(
    "share",
    ["percent: 101", "percent: -1", "percent: 5, fraction: {numerator: 1}", "fraction: {numerator: 101}",
     "fraction: {numerator: 1, denominator: 0}", "fraction: {numerator: 3, denominator: 2}"],
)  # fmt: skip
def test_a_share_that_is_none_is_refused(share: str) -> None:
    declared = Declared(WEB + route("r", rule(filters=mirror("v1", f", {share}"), to="v1")))
    assert any("requestMirror" in problem and "HTTPRoute/default/r" in problem for problem in declared.problems)
    assert not declared.has_status("HTTPRoute", "r")
