"""Retry budgets: what is over them is not sent, and its client hears 503 at once."""

import pytest
from msgspec.structs import replace

from proxy.snapshot.route import BackendRef, Retry
from proxy.snapshot.session import RetryBudget
from proxy.snapshot.snapshot import Endpoint, Upstream
from tests.e2e.gateway import Gateway, rule
from tests.e2e.peers import Backend, Ended, Peer, Script, ok

SOON = 0.001
BUDGET = RetryBudget("Service/default/shop", percent=0, interval=3600.0, floor=3, floor_interval=3600.0)
"""Three retries, and no more while a test runs."""


def to(port: int, budget: RetryBudget | None = BUDGET, number: int = 80) -> tuple[BackendRef, Upstream]:
    key = f"default/shop:{number}"
    return BackendRef(key, 1, key), Upstream(key, (Endpoint("127.0.0.1", port),), retry_budget=budget)


def answers(status: int) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            try:
                request = await peer.request()
            except Ended:
                return
            if request.path.startswith(b"/ok"):
                await peer.send(ok())
            else:
                await peer.send(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nno" % status)

    return script


async def resets(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def asks(gateway: Gateway, path: bytes = b"/") -> int:
    client = await gateway.client()
    await client.send(b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path)
    return (await client.response()).status


def refused(gateway: Gateway, reason: str, key: str = "default/shop:80") -> float:
    return gateway.metrics.value("penstock_upstream_retries_refused_total", (key, reason))


async def test_what_is_over_the_budget_is_503_and_not_sent() -> None:
    policy = Retry((500,), 2, SOON)
    async with (
        Backend(answers(500)) as backend,
        Gateway(rule(to(backend.port), retry=policy)) as gateway,
    ):
        assert [await asks(gateway) for _ in range(4)] == [500, 503, 503, 503]
        assert len(backend.requests) == 4 + 3
        assert refused(gateway, "status_500") == 3
        record = gateway.log.records[-1]
        assert (record.flags, record.reason, record.retries) == ("RB", "retry_budget_spent", 0)


async def test_connection_errors_are_within_the_budget_too() -> None:
    async with Backend(resets) as backend, Gateway(rule(to(backend.port), retry=Retry((), 10, SOON))) as gateway:
        assert await asks(gateway) == 503
        assert len(backend.peers) == 1 + 3
        assert refused(gateway, "upstream_reset") + refused(gateway, "upstream_closed") == 1


async def test_a_request_that_needs_no_retry_does_not_notice() -> None:
    async with (
        Backend(answers(500)) as backend,
        Gateway(rule(to(backend.port), retry=Retry((500,), 9, SOON))) as gateway,
    ):
        assert await asks(gateway) == 503
        assert [await asks(gateway, b"/ok") for _ in range(3)] == [200, 200, 200]
        assert await asks(gateway) == 503
        assert len(backend.requests) == 4 + 3 + 1


async def test_requests_of_all_rules_and_ports_earn_retries_together() -> None:
    share = replace(BUDGET, percent=25, floor=1)
    async with Backend(answers(500)) as backend:
        earns = rule(to(backend.port, share, number=81), path=b"/ok")
        async with Gateway(rule(to(backend.port, share), retry=Retry((500,), 9, SOON)), earns) as gateway:
            assert [await asks(gateway, b"/ok") for _ in range(11)] == [200] * 11
            assert await asks(gateway) == 503
            assert len(backend.requests) == 11 + 1 + 4, "4 of 16 are a quarter"


@pytest.mark.parametrize("after", [BUDGET, replace(BUDGET, floor=4), None])
async def test_a_budget_is_kept_across_snapshots_while_it_is_declared_the_same(after: RetryBudget | None) -> None:
    policy = Retry((500,), 9, SOON)
    async with (
        Backend(answers(500)) as backend,
        Gateway(rule(to(backend.port), retry=policy)) as gateway,
    ):
        assert await asks(gateway) == 503
        gateway.install(rule(to(backend.port, after), retry=policy, path=b"/again"))
        before = len(backend.requests)
        status = await asks(gateway, b"/again")
        made = len(backend.requests) - before - 1
        assert (status, made) == {None: (500, 9), BUDGET: (503, 0)}.get(after, (503, 4))


async def test_another_endpoint_instead_of_one_that_cannot_be_reached_is_no_retry() -> None:
    async with Backend(answers(500)) as gone, Backend(answers(500)) as backend:
        gone._server.close()
        ref, upstream = to(backend.port, replace(BUDGET, floor=1))
        both = replace(upstream, endpoints=(Endpoint("127.0.0.1", gone.port), *upstream.endpoints))
        async with Gateway(rule((ref, both))) as gateway:
            assert [await asks(gateway, b"/ok") for _ in range(6)] == [200] * 6
            assert sum(refused(gateway, reason) for reason in ("connection_refused", "unreachable")) == 0
