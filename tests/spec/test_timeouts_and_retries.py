"""timeouts and retry of a rule (HTTPRouteTimeouts, HTTPRouteRetry): when a request ends, and what is tried again."""

import asyncio

import pytest

from tests.e2e.peers import Backend, Peer
from tests.spec.declared import Declared
from tests.spec.served import Served, service
from tests.spec.site import WEB, backend, prefix, route, rule

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SITE = WEB + service("sim", 0).replace("port: 0", "port: $sim")


class Simulator:
    """Fails the first requests as it is told to, then answers; counts how many came."""

    def __init__(self, *failures: str) -> None:
        """Of each: a status, `reset`, or `silent`."""
        self._failures = list(failures)
        self.asked = 0
        self.backend = Backend(self._script)

    async def _script(self, peer: Peer) -> None:
        while True:
            await peer.request()
            self.asked += 1
            how = self._failures.pop(0) if self._failures else "200"
            if how == "reset":
                peer.reset()
                return
            if how == "silent":
                await peer.to_the_end()
                return
            line = OK if how == "200" else b"HTTP/1.1 %s Odd\r\nContent-Length: 0\r\n\r\n" % how.encode()
            await peer.send(line)


async def tried(more: str, *failures: str) -> tuple[int, int]:
    """(status that the client got, requests that came) under a rule with `more`."""
    simulator = Simulator(*failures)
    site = SITE + route("r", rule(prefix("/"), to=backend("sim"), more=more))
    async with Served(site, services=(), backends={"sim": simulator.backend}) as served:
        assert served.declared.said("HTTPRoute", "r")["Accepted"] == "True Accepted", served.declared.problems
        answer = await served.ask("a/")
        return answer.status, simulator.asked


# --- timeouts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["request", "backendRequest"])
async def test_what_takes_too_long_is_504(field: str) -> None:
    assert await tried(f"timeouts: {{{field}: 150ms}}", "silent") == (504, 1)


@pytest.mark.parametrize(
    "timeouts", ["{request: 0s}", "{backendRequest: 0s}", "{request: 5s, backendRequest: 5s}", "{}"]
)
async def test_no_limit_and_one_that_is_kept_change_nothing(timeouts: str) -> None:
    assert await tried(f"timeouts: {timeouts}") == (200, 1)


async def test_zero_is_no_limit_for_a_slow_answer() -> None:
    """A deadline of no time at all would be over before the endpoint is even asked."""

    async def slow(peer: Peer) -> None:
        await peer.request()
        for octet in OK:
            await peer.send(bytes((octet,)))
            await asyncio.sleep(0)
        await peer.to_the_end()

    site = SITE + route("r", rule(prefix("/"), to="sim", more="timeouts: {request: 0s, backendRequest: 0ms}"))
    async with Served(site, services=(), backends={"sim": Backend(slow)}) as served:
        assert (await served.ask("a/")).status == 200


DURATIONS = {"1h": True, "1m30s": True, "1h2m3s4ms": True, "99999h": True, "100000h": False, "1.5s": False,
             "-1s": False, "1us": False, "1": False, "s": False, "1h1m1s1ms1h": False, "1S": False}  # fmt: skip


@pytest.mark.parametrize("written", DURATIONS)
def test_durations(written: str) -> None:
    site = (
        WEB
        + route("r", rule(to="nowhere", more=f"timeouts: {{request: '{written}'}}"))
        + route("s", rule(to="nowhere"))
    )
    declared = Declared(site)
    assert declared.has_status("HTTPRoute", "r") is DURATIONS[written]
    assert declared.has_status("HTTPRoute", "s")
    told = [problem for problem in declared.problems if "spec.rules[0].timeouts.request" in problem]
    assert bool(told) is not DURATIONS[written]


def test_one_try_may_not_take_longer_than_the_request() -> None:
    more = "timeouts: {request: 1s, backendRequest: 2s}"
    declared = Declared(WEB + route("r", rule(to="nowhere", more=more)))
    assert not declared.has_status("HTTPRoute", "r")
    assert any("timeouts" in problem for problem in declared.problems)


# --- retries --------------------------------------------------------------------------------------

FAST = "backoff: 1ms"
ALL = "codes: [500, 502, 503, 504]"


@pytest.mark.parametrize(
    ("codes", "attempts", "failures", "outcome"),
    [
        # (what is retried, how often, what the endpoint does, (status, requests that came))
        ("codes: [500]", 3, ["500"] * 2, (200, 3)),
        ("codes: [500]", 3, ["500"] * 3, (200, 4)),  # retries are counted, not tries
        ("codes: [500]", 3, ["500"] * 4, (500, 4)),
        ("codes: [500]", 3, ["503"], (503, 1)),  # not listed
        *[(ALL, 2, [code], (200, 2)) for code in ("500", "502", "503", "504")],
        *[(ALL, 2, [code] * 3, (int(code), 3)) for code in ("500", "502", "503", "504")],  # the last answer
        (ALL, 2, ["500", "502", "503"], (503, 3)),
    ],
)
async def test_codes(codes: str, attempts: int, failures: list[str], outcome: tuple[int, int]) -> None:
    assert await tried(f"retry: {{{codes}, attempts: {attempts}, {FAST}}}", *failures) == outcome


@pytest.mark.parametrize(
    ("failures", "outcome"), [(["reset"], (200, 2)), (["reset"] * 2, (200, 3)), (["reset"] * 3, (503, 3))]
)
async def test_connection_errors_are_retried_without_codes(failures: list[str], outcome: tuple[int, int]) -> None:
    """And at the end 503, not 502: nobody answered."""
    assert await tried(f"retry: {{attempts: 2, {FAST}}}", *failures) == outcome


@pytest.mark.parametrize(
    ("more", "failures", "outcome"),
    [
        # a try that takes too long is tried again, whatever the codes say
        ("timeouts: {backendRequest: 400ms}, retry: {attempts: 2, backoff: 1ms}", ["silent"], (200, 2)),
        (
            "timeouts: {backendRequest: 400ms}, retry: {attempts: 2, backoff: 1ms, codes: [500]}",
            ["silent"] * 2,
            (200, 3),
        ),
        ("timeouts: {backendRequest: 150ms}, retry: {attempts: 1, backoff: 1ms}", ["silent"] * 2, (504, 2)),
        # the request's own time is for all tries together
        ("timeouts: {request: 150ms}, retry: {attempts: 5, backoff: 1ms}", ["silent"], (504, 1)),
        ("timeouts: {request: 150ms}, retry: {attempts: 5, backoff: 10s, codes: [500]}", ["500"], (504, 1)),
        (
            "timeouts: {request: 300ms, backendRequest: 150ms}, retry: {attempts: 50, backoff: 1s}",
            ["silent"] * 9,
            (504, 1),
        ),
    ],
)
async def test_retries_within_timeouts(more: str, failures: list[str], outcome: tuple[int, int]) -> None:
    assert await tried(more, *failures) == outcome


@pytest.mark.parametrize("retry", ["{codes: [399]}", "{codes: [600]}", "{attempts: -1}", "{backoff: soon}"])
def test_what_no_retry_can_be_is_refused(retry: str) -> None:
    declared = Declared(WEB + route("r", rule(to="nowhere", more=f"retry: {retry}")))
    assert not declared.has_status("HTTPRoute", "r")
    assert any("spec.rules[0].retry" in problem for problem in declared.problems)
