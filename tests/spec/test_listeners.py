"""Listeners of Gateways: ports, several Gateways, HTTPS by server name, misdirected requests, conflicts."""

import asyncio
import json

import pytest

from tests.certificates import client_context, pair
from tests.e2e.versions.http2 import Http2Client, Wire
from tests.spec.certificates import secret, terminates
from tests.spec.declared import HOST, Declared
from tests.spec.served import Served
from tests.spec.site import gateway, listener, prefix, route, rule

CERTIFICATE = pair("*.org", "*.wildcard.org")
SECRET = secret("cert", CERTIFICATE)
HTTPS = terminates("cert")


def https(name: str, hostname: str = "", port: int = 443) -> str:
    return listener(name, hostname, port=port, protocol="HTTPS", more=HTTPS)


async def test_a_parent_ref_with_a_port_chooses_listeners() -> None:
    both = ("foo.com", "bar.com")
    listeners = [listener("l1", "foo.com")] + [
        listener(f"l{i}", host, port=port)
        for i, (port, host) in enumerate([(port, host) for port in (8080, 8090) for host in both], 2)
    ]
    site = (
        gateway(*listeners)
        + route("r1", rule(to="v1"), parents="{name: web, port: 80}")
        + route("r2", rule(to="v2"), parents="{name: web, port: 8080}")
        + route("r3", rule(to="v3"), parents="{name: web, port: 8090, sectionName: l4}")
    )
    async with Served(site) as served:
        assert await served.outcomes(["foo.com/"]) == {"foo.com/": "v1"}
        at_8080 = {"foo.com:8080/": "v2", "bar.com:8080/": "v2"}
        assert await served.outcomes(at_8080, port=8080) == at_8080
        at_8090 = {"foo.com:8090/": "v3", "bar.com:8090/": 404}
        assert await served.outcomes(at_8090, port=8090) == at_8090


async def test_each_gateway_has_its_own_address_and_table() -> None:
    at = ", addresses: [{{type: IPAddress, value: 127.0.0.{}}}]"
    listeners = [listener("http")]
    site = (
        gateway(*listeners, name="one", more=at.format(2))
        + gateway(*listeners, name="two", more=at.format(3))
        + route("both", rule(prefix("/shared"), to="v1"), parents="{name: one}, {name: two}")
        + route("first", rule(prefix("/first"), to="v2"), parents="{name: one}")
        + route("second", rule(prefix("/second"), to="v3"), parents="{name: two}")
    )
    async with Served(site) as served:
        rows = ("a/shared", "a/first", "a/second")
        assert list((await served.outcomes(rows, address="127.0.0.2")).values()) == ["v1", "v2", 404]
        assert list((await served.outcomes(rows, address="127.0.0.3")).values()) == ["v1", 404, "v3"]
        for parent in (0, 1):
            assert served.declared.said("HTTPRoute", "both", parent=parent)["Accepted"] == "True Accepted"


MISDIRECTED = [
    # (server name, Host, what comes of it)
    ("example.org", "example.org", "v1"),
    ("example.org", "second-example.org", 421),
    ("example.org", "unknown-example.org", 404),
    ("second-example.org", "second-example.org", "v2"),
    ("second-example.org", "example.org", 421),
    ("second-example.org", "unknown-example.org", 421),
    ("third-example.wildcard.org", "third-example.wildcard.org", "v3"),
    ("third-example.wildcard.org", "fith-example.wildcard.org", "v3"),
    ("third-example.wildcard.org", "fourth-example.wildcard.org", 421),
    ("third-example.wildcard.org", "second-example.org", 421),
    ("third-example.wildcard.org", "unknown-example.org", 421),
    ("fourth-example.wildcard.org", "fourth-example.wildcard.org", "v1"),
    ("fourth-example.wildcard.org", "fith-example.wildcard.org", 421),
    ("unknown-example.org", "example.org", "v1"),
    ("unknown-example.org", "unknown-example.org", 404),
]
FOUR = (
    SECRET
    + gateway(
        https("open"),
        https("exact", "second-example.org"),
        https("wildcard", "*.wildcard.org"),
        https("below", "fourth-example.wildcard.org"),
    )
    + route("r1", rule(to="v1"), parents="{name: web, sectionName: open}", hosts="example.org")
    + route("r2", rule(to="v2"), parents="{name: web, sectionName: exact}")
    + route("r3", rule(to="v3"), parents="{name: web, sectionName: wildcard}")
    + route("r4", rule(to="v1"), parents="{name: web, sectionName: below}")
)


async def test_a_host_of_another_listener_than_the_server_names_is_misdirected() -> None:
    async with Served(FOUR) as site:
        got = [
            (name, host, (await site.ask_securely(f"{host}/", name, CERTIFICATE)).outcome)
            for name, host, _ in MISDIRECTED
        ]
        assert got == MISDIRECTED
        assert (await site.ask_securely("example.org/", None, CERTIFICATE)).outcome == "v1"  # no name: the open one


async def test_it_is_misdirected_on_a_connection_that_served_others_before() -> None:
    """HTTP/2: one connection for each server name, and all hosts asked for on it, one after the other."""
    async with Served(FOUR) as site:
        for name in dict.fromkeys(name for name, _, _ in MISDIRECTED):
            client = await http_2(site, name)
            for host, outcome in [(host, outcome) for server_name, host, outcome in MISDIRECTED if server_name == name]:
                talk = await client.ask(b"GET", b"/", authority=host.encode(), scheme=b"https")
                answer = await talk.answer()
                body = await answer.body()
                assert (json.loads(body)["backend"] if answer.status == 200 else answer.status) == outcome, (name, host)
            await client.close()


async def http_2(site: Served, name: str) -> Http2Client:
    context = client_context(CERTIFICATE)
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    wire = Wire(*await asyncio.open_connection(HOST, site.port_of(443), ssl=context, server_hostname=name), client=True)
    await wire.flush()
    return Http2Client(wire)


async def test_a_host_that_no_listener_has_is_not_found() -> None:
    site = SECRET + gateway(https("only", "second-example.org")) + route("r", rule(to="v1"))
    async with Served(site) as served:
        assert (await served.ask_securely("elsewhere.org/", "second-example.org", CERTIFICATE)).outcome == 404


async def test_a_route_may_attach_to_several_https_listeners_of_a_port() -> None:
    site = SECRET + gateway(https("open"), https("named", "second-example.org"))
    site += route("open", rule(to="v1"), hosts="example.org")
    site += route("all", rule(to="v2"), parents="{name: web, sectionName: named}")
    async with Served(site) as served:
        for host, outcome in (("example.org", "v1"), ("second-example.org", "v2"), ("unknown-example.org", 404)):
            assert (await served.ask_securely(f"{host}/", host, CERTIFICATE)).outcome == outcome
        assert served.declared.attached("web") == {"open": 1, "named": 1}


TOLD_APART = {
    "two hostnames of one port": ([listener("a", "a.com"), listener("b", "b.com")], True, ""),
    "one hostname on two ports": ([listener("a", "a.com"), listener("b", "a.com", port=81)], True, ""),
    "HTTPS hostnames of one port": ([https("a", "a.org"), https("b", "b.org")], True, ""),
    "with and without hostname": ([listener("a", "a.com"), listener("b")], True, ""),
    "one hostname of one port": ([listener("a", "a.com"), listener("b", "a.com")], False, "HostnameConflict"),
    "HTTPS hostnames, whatever their tls says": (
        [https("a", "a.org"), listener("b", "a.org", port=443, protocol="HTTPS", more=terminates("other"))],
        False, "HostnameConflict"),
    "HTTP and HTTPS": ([listener("a", "a.com", port=443), https("b", "b.org")], False, "ProtocolConflict"),
    "TCP and HTTP": ([listener("a"), listener("b", protocol="TCP")], False, "ProtocolConflict"),
    "HTTP and TLS": ([listener("a"), listener("b", protocol="TLS", more=", tls: {mode: Passthrough}")],
                     False, "ProtocolConflict"),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD_APART)
def test_what_cannot_be_told_apart_has_no_winner_and_the_rest_runs(case: str) -> None:
    listeners, good, reason = TOLD_APART[case]
    declared = Declared(SECRET + gateway(*listeners, listener("beside", port=9000)))
    for name in ("a", "b"):
        said = declared.said("Gateway", "web", name)
        expected = ("False NoConflicts", "True Accepted") if good else (f"True {reason}", f"False {reason}")
        assert (said["Conflicted"], said["Accepted"]) == expected
    assert declared.said("Gateway", "web", "beside")["Programmed"] == "True Programmed"
    assert declared.said("Gateway", "web")["Accepted"] == f"True {'Accepted' if good else 'ListenersNotValid'}"


def test_tcp_and_udp_on_one_port_are_not_in_each_others_way() -> None:
    listeners = [listener("a", port=53, protocol="TCP"), listener("b", port=53, protocol="UDP")]
    declared = Declared(gateway(*listeners))
    assert [declared.said("Gateway", "web", name)["Conflicted"] for name in "ab"] == ["False NoConflicts"] * 2
