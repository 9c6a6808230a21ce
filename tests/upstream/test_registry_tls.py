"""Pools of endpoints that are spoken to over TLS: what is another pool, and what is shown of it."""

import asyncio

import pytest
from msgspec.structs import replace

from proxy.batch import WriteBatch
from proxy.observe.metrics import WorkerMetrics
from proxy.protocol.limits import Limits
from proxy.snapshot.delta import EMPTY
from proxy.snapshot.snapshot import Endpoint, Listener, Snapshot, Upstream
from proxy.snapshot.upstream_tls import UpstreamTLS
from proxy.upstream.pool import Pool
from proxy.upstream.pools import Registry, certificates_shown
from proxy.upstream.settings import PoolSettings
from tests.certificates import Authority
from tests.clock import ManualTime

ONE, OTHER = Authority("one"), Authority("other")
SHOWN = ONE.issues("gateway.example").certificate
KEY = "default/shop:443"


def settings(authority: Authority) -> UpstreamTLS:
    return UpstreamTLS("shop.example", (authority.bundle.digest,))


def snapshot(*shown: str, authority: Authority | None = ONE, endpoints: int = 1, invalid: str = "") -> Snapshot:
    """A listener for each certificate that is shown to endpoints; None: in clear text."""
    tls = settings(authority) if authority is not None else None
    at = tuple(Endpoint("127.0.0.1", 9000 + i) for i in range(endpoints))
    key = tls.digest if tls is not None else ""
    listeners = [Listener(f"default/{i}", "http", "HTTP", b"", 80, (), name) for i, name in enumerate(shown)]
    return replace(
        EMPTY,
        listeners={listener.key: listener for listener in listeners},
        upstreams={KEY: Upstream(KEY, at, tls=key, invalid=invalid)},
        upstream_tls={} if tls is None else {key: tls},
        bundles={each.bundle.digest: each.bundle for each in (ONE, OTHER)},
        certificates={SHOWN.digest: SHOWN},
    )


class World:
    def __init__(self) -> None:
        time = ManualTime()
        self.metrics = WorkerMetrics.in_memory()
        loop = asyncio.get_running_loop()
        pools = PoolSettings(Limits())
        self.registry = Registry(loop, time.wheel, WriteBatch(loop.call_soon), self.metrics, pools)

    def install(self, new: Snapshot) -> None:
        secured = self.registry.secure(new)
        self.registry.install(new.upstreams, (), secured, certificates_shown(new))

    def pool(self, shown: str = "") -> Pool:
        [pool] = self.registry.upstream(KEY, shown).pools
        return pool

    def up(self, port: int = 9000) -> float:
        return self.metrics.value("penstock_endpoint_up", (KEY, f"127.0.0.1:{port}"))


async def test_what_is_shown_and_whom_to_trust_are_part_of_a_pools_identity() -> None:
    world = World()
    world.registry.upstream(KEY), world.registry.upstream(KEY, SHOWN.digest)
    world.install(snapshot("", SHOWN.digest))
    plain, shown = world.pool(), world.pool(SHOWN.digest)
    assert plain is not shown
    world.install(snapshot("", SHOWN.digest, authority=OTHER))
    assert world.pool() not in (plain, shown)
    assert plain.retired and shown.retired
    world.install(snapshot("", SHOWN.digest))
    assert not world.pool().retired


async def test_in_clear_text_nothing_is_shown_so_one_pool_will_do() -> None:
    world = World()
    world.registry.upstream(KEY), world.registry.upstream(KEY, SHOWN.digest)
    world.install(snapshot("", SHOWN.digest, authority=None))
    assert world.pool() is world.pool(SHOWN.digest)


async def test_a_policy_that_comes_and_goes_never_meets_a_connection_of_the_other_kind() -> None:
    world = World()
    world.registry.upstream(KEY)
    world.install(snapshot("", authority=None))
    clear = world.pool()
    world.install(snapshot(""))
    assert world.pool() is not clear and clear.retired


TURNS = [
    # (before, after, whether what waits at a pool of before is not to go out there)
    (snapshot("", authority=None), snapshot("", authority=None, endpoints=2), False),
    (snapshot("", authority=None), snapshot(""), True),
    (snapshot("", authority=None), snapshot("", authority=None, invalid="backend_tls_invalid"), True),
    (snapshot(""), snapshot("", authority=OTHER), True),
    (snapshot(""), snapshot("", endpoints=0), False),
    (snapshot(SHOWN.digest), snapshot(""), False),
    (snapshot(SHOWN.digest), snapshot("", authority=OTHER), True),
    (snapshot(SHOWN.digest, authority=None), snapshot(""), True),
    (snapshot(SHOWN.digest), snapshot("", invalid="backend_tls_invalid"), True),
]


@pytest.mark.parametrize(("before", "after", "turned"), TURNS)
async def test_what_waits_when_endpoints_are_spoken_to_otherwise(
    before: Snapshot, after: Snapshot, turned: bool
) -> None:
    world = World()
    [shown] = [listener.client_certificate for listener in before.listeners.values()]
    upstream = world.registry.upstream(KEY, shown)
    world.install(before)
    pool = upstream.pools[0]
    assert not upstream.has_turned_from(pool)
    world.install(after)
    assert upstream.has_turned_from(pool) == turned


async def test_what_waits_for_a_backend_that_no_rule_leads_to_any_more_still_goes_there() -> None:
    world = World()
    upstream = world.registry.upstream(KEY)
    world.install(snapshot(""))
    pool = upstream.pools[0]
    world.registry.install({}, [KEY])
    assert upstream.pools == () and not upstream.has_turned_from(pool)


async def test_an_endpoint_is_up_as_long_as_any_listener_leads_there() -> None:
    world = World()
    world.registry.upstream(KEY), world.registry.upstream(KEY, SHOWN.digest)
    world.install(snapshot("", SHOWN.digest, endpoints=2))
    assert (world.up(), world.up(9001)) == (1.0, 1.0)
    world.install(snapshot("", endpoints=2))
    assert (world.up(), world.up(9001)) == (1.0, 1.0)
    world.install(snapshot("", endpoints=1))
    assert (world.up(), world.up(9001)) == (1.0, 0.0)


async def test_what_cannot_be_followed_has_no_pool() -> None:
    world = World()
    upstream = world.registry.upstream(KEY)
    world.install(snapshot("", invalid="backend_tls_invalid"))
    assert (upstream.pools, upstream.invalid, upstream.pick()) == ((), "backend_tls_invalid", None)
    world.install(snapshot(""))
    assert (len(upstream.pools), upstream.invalid) == (1, "")
    world.install(replace(snapshot("", authority=OTHER), bundles={}))
    assert (upstream.pools, upstream.invalid) == ((), "backend_tls_unusable")


async def test_an_upstream_that_a_listener_asks_for_later_has_its_endpoints_at_once() -> None:
    world = World()
    world.registry.upstream(KEY)
    world.install(snapshot(""))
    world.registry.upstream(KEY, SHOWN.digest)
    new = snapshot("", SHOWN.digest)
    world.registry.install({}, (), world.registry.secure(new), certificates_shown(new))
    assert len(world.registry.upstream(KEY, SHOWN.digest).pools) == 1
