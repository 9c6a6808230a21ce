"""All names: when they are looked up, and who is told. Time passes when a test says so; DNS is real."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager

import pytest
import pytest_asyncio

from proxy.names.answer import Answer
from proxy.names.entry import HOLD, SHORTEST
from proxy.names.lookup import DnsLookup
from proxy.names.table import AT_ONCE, Names
from proxy.snapshot.guard import Guard
from proxy.snapshot.names import NameKey, Resolved
from tests.clock import ManualTime
from tests.nameserver import SERVFAIL, NameServer

API = NameKey("api.test", True)
DB = NameKey("db.test", True)


class Counts:
    """A Meter."""

    def __init__(self) -> None:
        self.results: Counter[str] = Counter()
        self.forbidden = 0
        self.now: Mapping[str, int] = {}

    def looked_up(self, result: str, seconds: float) -> None:
        self.results[result] += 1

    def refused(self, addresses: int) -> None:
        self.forbidden += addresses

    def states(self, counts: Mapping[str, int]) -> None:
        self.now = {state: count for state, count in counts.items() if count}


class Table:
    """Names on a name server, their clock, and what they told."""

    def __init__(self, server: NameServer) -> None:
        self.server = server
        self.time = ManualTime()
        self.told: list[Resolved] = []
        self.counts = Counts()
        self._looked_up = asyncio.Event()
        lookup = DnsLookup([("127.0.0.1", server.port)], lambda address: True)
        self.names = Names(lookup, Guard(), self.time.wheel, self.told.extend, self.counts)

    async def follow(self, *keys: NameKey) -> None:
        self.names.follow(set(keys))
        await self.settled()

    async def pass_(self, seconds: float) -> None:
        self.time.pass_(seconds)
        await self.settled()

    async def settled(self) -> None:
        """Until no lookup is under way."""
        tasks = [each.task for each in self.names._followed.values() if each.task is not None]
        await asyncio.gather(*tasks)

    def addresses(self, key: NameKey = API) -> tuple[str, ...]:
        return self.names.entries[key].addresses


@pytest_asyncio.fixture
async def table() -> AsyncIterator[Table]:
    async with NameServer() as server:
        table = Table(server)
        yield table
        await table.names.close()


async def test_a_new_name_is_looked_up_at_once(table: Table) -> None:
    table.server.addresses["api.test"] = 60, ["192.0.2.1"]
    await table.follow(API)
    assert table.told == [Resolved(API, ("192.0.2.1",))] == list(table.names.resolved)
    assert table.counts.now == {"fresh": 1}


async def test_it_is_looked_up_again_when_its_ttl_ends_and_told_when_it_changed(table: Table) -> None:
    table.server.addresses["api.test"] = 60, ["192.0.2.1"]
    await table.follow(API)
    await table.pass_(59)
    assert table.server.questions("api.test") == 2
    await table.pass_(2)
    assert table.server.questions("api.test") == 4
    assert len(table.told) == 1
    table.server.addresses["api.test"] = 3600, ["192.0.2.2"]
    await table.pass_(61)
    assert table.told[1:] == [Resolved(API, ("192.0.2.2",))]


async def test_a_ttl_that_changes_changes_when_that_is(table: Table) -> None:
    table.server.addresses["api.test"] = 300, ["192.0.2.1"]
    await table.follow(API)
    table.server.addresses["api.test"] = 10, ["192.0.2.1"]
    await table.pass_(301)
    table.server.addresses["api.test"] = 300, ["192.0.2.2"]
    await table.pass_(11)
    assert table.addresses() == ("192.0.2.2",)


async def test_what_was_known_serves_while_dns_fails(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    table.server.addresses["api.test"] = 60, ["192.0.2.1"]
    await table.follow(API)
    table.server.failing["api.test"] = SERVFAIL
    for _ in range(20):
        await table.pass_(61)
    assert table.addresses() == ("192.0.2.1",)
    assert (table.counts.now, table.counts.results["dns_failure"]) == ({"stale": 1}, 20)
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert "api.test keeps its addresses 192.0.2.1: dns_failure" in caplog.text
    del table.server.failing["api.test"]
    await table.pass_(61)
    assert (table.counts.now, len(table.told)) == ({"fresh": 1}, 1)


async def test_a_name_that_is_gone_leads_nowhere_after_a_while(table: Table) -> None:
    table.server.addresses["api.test"] = 60, ["192.0.2.1"]
    await table.follow(API)
    del table.server.addresses["api.test"]
    await table.pass_(61)
    assert table.addresses() == ("192.0.2.1",)
    while table.time.now < 1000 + 62 + HOLD:
        await table.pass_(SHORTEST)
    assert table.told[1:] == [Resolved(API, (), "name_not_found")]


async def test_a_name_that_is_turned_to_a_forbidden_address_leads_nowhere(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    table.server.addresses["api.test"] = 5, ["192.0.2.1"]
    await table.follow(API)
    table.server.addresses["api.test"] = 5, ["169.254.169.254"]
    await table.pass_(6)
    assert table.told[1:] == [Resolved(API, (), "forbidden_address")]
    assert (table.counts.forbidden, table.counts.results["forbidden_address"]) == (1, 1)
    await table.pass_(6)
    assert caplog.text.count("api.test leads to 169.254.169.254, which is link-local: nothing is sent there") == 1
    table.server.addresses["api.test"] = 5, ["192.0.2.2"]
    await table.pass_(6)
    assert table.addresses() == ("192.0.2.2",)


async def test_names_that_nobody_wants_any_more_are_forgotten(table: Table) -> None:
    table.server.addresses |= {"api.test": (60, ["192.0.2.1"]), "db.test": (60, ["192.0.2.2"])}
    await table.follow(API, DB)
    await table.follow(DB)
    await table.pass_(61)
    assert (table.server.questions("api.test"), table.server.questions("db.test")) == (2, 4)
    assert [item.name for item in table.names.resolved] == [DB]
    await table.follow(API, DB)
    assert (table.server.questions("api.test"), table.server.questions("db.test")) == (4, 4)


async def test_a_lookup_of_what_is_forgotten_meanwhile_tells_nobody(table: Table) -> None:
    table.server.silent.add("api.test")
    table.names.follow({API})
    await asyncio.sleep(0)
    await table.follow()
    assert (table.told, table.names.entries, table.counts.now) == ([], {}, {})


async def test_a_fault_of_ours_does_not_end_the_asking(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    with broken(table.names):
        await table.follow(API)
    assert table.told == [Resolved(API, (), "dns_failure")]
    assert "api.test could not be looked up" in caplog.text
    table.server.addresses["api.test"] = 60, ["192.0.2.1"]
    await table.pass_(2)
    assert table.addresses() == ("192.0.2.1",)


@contextmanager
def broken(names: Names) -> Iterator[None]:
    async def fails(key: NameKey) -> Answer:
        raise RuntimeError("a fault")

    sound, names._lookup = names._lookup, fails
    yield
    names._lookup = sound


async def test_many_names_take_turns() -> None:
    under_way, most = 0, 0
    release = asyncio.Event()

    async def lookup(key: NameKey) -> Answer:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await release.wait()
        under_way -= 1
        return Answer(("192.0.2.1",), 60)

    told: list[Resolved] = []
    names = Names(lookup, Guard(), ManualTime().wheel, told.extend, Counts())
    names.follow({NameKey(f"n{number}.test", True) for number in range(3 * AT_ONCE)})
    tasks = [each.task for each in names._followed.values() if each.task is not None]
    for _ in range(10):  # turns of the loop, more than enough for all that may begin
        await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*tasks)
    assert (most, len(told)) == (AT_ONCE, 3 * AT_ONCE)
    await names.close()
