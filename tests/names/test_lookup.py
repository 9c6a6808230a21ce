"""Lookups, against a real name server on loopback."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from proxy.names import lookup as module
from proxy.names.answer import Answer, LookupFailed, NotFound
from proxy.names.lookup import DnsLookup, has_route
from proxy.snapshot.names import NameKey
from tests.nameserver import AAAA, REFUSED, SERVFAIL, A, NameServer


@pytest_asyncio.fixture
async def server() -> AsyncIterator[NameServer]:
    async with NameServer() as server:
        yield server


async def look_up(server: NameServer, host: str, *, external: bool = True) -> Answer:
    lookup = DnsLookup([("127.0.0.1", server.port)], lambda address: True)
    return await lookup(NameKey(host, external))


async def test_both_families_are_asked_for_and_the_least_ttl_counts(server: NameServer) -> None:
    server.addresses["api.test"] = 42, ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert await look_up(server, "api.test") == Answer(("192.0.2.1", "192.0.2.2", "2001:db8::1"), 42)
    assert set(server.asked) == {("api.test", A, "udp"), ("api.test", AAAA, "udp")}


@pytest.mark.parametrize("addresses", [["192.0.2.1"], ["2001:db8::1"]])
async def test_one_family_is_enough(server: NameServer, addresses: list[str]) -> None:
    server.addresses["api.test"] = 42, addresses
    assert await look_up(server, "api.test") == Answer(tuple(addresses), 42)


async def test_aliases_are_followed_and_their_ttl_counts_too(server: NameServer) -> None:
    server.aliases |= {"www.test": (300, "cdn.test"), "cdn.test": (7, "edge.test")}
    server.addresses["edge.test"] = 60, ["192.0.2.1"]
    assert await look_up(server, "www.test") == Answer(("192.0.2.1",), 7)


async def test_an_alias_to_nothing_is_nothing(server: NameServer) -> None:
    server.aliases["www.test"] = 300, "nowhere.test"
    with pytest.raises(NotFound) as caught:
        await look_up(server, "www.test")
    assert caught.value.reason == "name_not_found"


async def test_aliases_in_a_circle_are_a_failure(server: NameServer) -> None:
    server.aliases |= {f"a{number}.test": (300, f"a{number + 1}.test") for number in range(20)}
    server.addresses["a20.test"] = 60, ["192.0.2.1"]
    with pytest.raises(LookupFailed) as caught:
        await look_up(server, "a0.test")
    assert caught.value.reason == "dns_failure"


async def test_what_udp_cuts_tcp_has(server: NameServer) -> None:
    server.truncating = True
    server.addresses["api.test"] = 60, [f"192.0.2.{number}" for number in range(100)]
    assert len((await look_up(server, "api.test")).addresses) == 100
    assert server.asked["api.test", A, "tcp"] == 1


async def test_a_name_that_is_not_there_is_so_for_a_time(server: NameServer) -> None:
    server.negative_ttl = 17
    with pytest.raises(NotFound) as caught:
        await look_up(server, "nowhere.test")
    assert (caught.value.reason, caught.value.ttl) == ("name_not_found", 17)


async def test_so_is_one_without_addresses(server: NameServer) -> None:
    server.addresses["mail.test"] = 60, []
    server.negative_ttl = 17
    with pytest.raises(NotFound) as caught:
        await look_up(server, "mail.test")
    assert (caught.value.reason, caught.value.ttl) == ("no_address", 17)


@pytest.mark.parametrize("rcode", [SERVFAIL, REFUSED])
async def test_a_server_that_cannot_say_is_a_failure(server: NameServer, rcode: int) -> None:
    server.failing["api.test"] = rcode
    with pytest.raises(LookupFailed) as caught:
        await look_up(server, "api.test")
    assert caught.value.reason == "dns_failure"
    assert "api.test" in caught.value.detail


async def test_so_is_one_that_says_nothing(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIFETIME", 0.05)
    server.silent.add("api.test")
    with pytest.raises(LookupFailed) as caught:
        await look_up(server, "api.test")
    assert caught.value.reason == "dns_timeout"


async def test_the_next_server_is_asked_when_one_cannot_say(server: NameServer) -> None:
    server.failing["api.test"] = SERVFAIL
    async with NameServer() as second:
        second.addresses["api.test"] = 60, ["192.0.2.1"]
        lookup = DnsLookup([("127.0.0.1", server.port), ("127.0.0.1", second.port)], lambda address: True)
        assert (await lookup(NameKey("api.test", True))).addresses == ("192.0.2.1",)


async def test_a_family_that_cannot_be_asked_about_is_not_none(server: NameServer) -> None:
    server.addresses["api.test"] = 60, ["192.0.2.1"]
    server.failing_kind["api.test", AAAA] = SERVFAIL
    assert await look_up(server, "api.test") == Answer(("192.0.2.1",), 60, frozenset({6}))


async def test_addresses_that_there_is_no_way_to_are_left_out_unless_there_is_to_none(server: NameServer) -> None:
    server.addresses["api.test"] = 60, ["192.0.2.1", "2001:db8::1"]
    name = NameKey("api.test", True)
    servers = [("127.0.0.1", server.port)]
    assert (await DnsLookup(servers, lambda address: ":" not in address)(name)).addresses == ("192.0.2.1",)
    assert (await DnsLookup(servers, lambda address: False)(name)).addresses == ("192.0.2.1", "2001:db8::1")


def test_there_is_a_way_to_this_machine_and_none_to_everybody() -> None:
    assert has_route("127.0.0.1")
    assert not has_route("255.255.255.255")


async def test_a_name_outside_is_never_completed_by_a_search_list(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the `ndots: 5` of Pods, `api.test` would be asked for as `api.test.shop.svc.cluster.local` first."""
    server.addresses["api.test.shop.test"] = 60, ["192.0.2.66"]
    monkeypatch.setattr(DnsLookup, "_resolver", searching(DnsLookup._resolver, "shop.test", ndots=5))
    with pytest.raises(NotFound):
        await look_up(server, "api.test")
    assert {name for name, _, _ in server.asked} == {"api.test"}
    assert (await look_up(server, "api.test", external=False)).addresses == ("192.0.2.66",)
    with pytest.raises(NotFound):
        await look_up(server, "api.test.", external=False)


def searching(make, domain: str, ndots: int):  # type: ignore[no-untyped-def]
    """As /etc/resolv.conf has it in a Pod."""
    import dns.name

    def made(self):  # type: ignore[no-untyped-def]
        resolver = make(self)
        resolver.search, resolver.ndots = [dns.name.from_text(domain)], ndots
        return resolver

    return made


@pytest.mark.parametrize("host", ["localhost", "db.localhost"])
async def test_nobody_is_asked_about_localhost(server: NameServer, host: str) -> None:
    assert (await look_up(server, host)).addresses == ("127.0.0.1", "::1")
    assert not server.asked


async def test_the_hosts_file_counts_for_names_of_this_machine_alone(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "from_hosts_file", lambda host: ("10.0.0.1",))
    server.addresses["db.test"] = 60, ["192.0.2.1"]
    assert (await look_up(server, "db.test", external=False)).addresses == ("10.0.0.1",)
    assert (await look_up(server, "db.test")).addresses == ("192.0.2.1",)
