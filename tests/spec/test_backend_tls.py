"""TLS to backends: BackendTLSPolicy, and the certificate that a Gateway shows (GatewayBackendTLS)."""

from collections.abc import Mapping

import pytest

from tests.certificates import Authority, Pair, pair, server_side
from tests.spec.certificates import bundle, bundle_of, secret, secret_of, terminates
from tests.spec.declared import Declared
from tests.spec.echo import echo
from tests.spec.served import Served, service
from tests.spec.site import WEB, gateway, grant, listener, prefix, route, rule

ROOT, OTHER = Authority("root"), Authority("other")
SERVER = ROOT.issues("abc.example.com", "other.example.com", uris=("spiffe://abc.example.com/test-identity",))
CA = "caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]"
TLS = service("tls", 0).replace("port: 0", "port: $tls")
SITE = WEB + TLS + route("r", rule(prefix("/"), to="tls"))
FAILED = {"Accepted": "False NoValidCACertificate", "ResolvedRefs": "False InvalidCACertificateRef"}
FOLLOWED = {"Accepted": "True Accepted", "ResolvedRefs": "True ResolvedRefs"}


def policy(
    name: str = "p", *, target: str = "tls", section: str = "", host: str = "abc.example.com", trust: str = CA,
    more: str = "", meta: str = "",
) -> str:  # fmt: skip
    at = f", sectionName: {section}" if section else ""
    return f"""
---
kind: BackendTLSPolicy
metadata: {{name: {name}{meta}}}
spec:
  targetRefs: [{{group: '', kind: Service, name: {target}{at}}}]
  validation: {{hostname: '{host}', {trust}{more}}}
"""


def serving(site: str, shown: Pair = SERVER, *clients: Authority) -> Served:
    tls = server_side(shown, *(each.pem for each in clients))
    return Served(site, services=("v1",), backends={"tls": echo("tls", secure=tls)})


@pytest.mark.parametrize("section", ["", "http"])
async def test_the_service_of_a_policy_is_spoken_to_over_tls(section: str) -> None:
    async with serving(SITE + policy(section=section) + bundle("ca", ROOT)) as site:
        assert site.declared.said("BackendTLSPolicy", "p") == FOLLOWED
        answer = await site.ask("a/")
        assert (answer.outcome, answer.seen("host")) == ("tls", "a")
        assert answer.echo is not None and answer.echo["tls"]["name"] == "abc.example.com"


async def test_what_came_over_tls_is_encrypted_anew() -> None:
    front = pair("front.example")
    https = listener("https", port=443, protocol="HTTPS", more=terminates("front"))
    site = secret("front", front) + gateway(https) + TLS + route("r", rule(to="tls")) + policy() + bundle("ca", ROOT)
    async with serving(site) as served:
        answer = await served.ask_securely("front.example/", "front.example", front)
        assert answer.echo is not None and answer.echo["tls"]["name"] == "abc.example.com"


MISMATCHES: Mapping[str, tuple[str, Authority]] = {
    "another host": ("mismatch.example.com", ROOT),
    "another authority": ("abc.example.com", OTHER),
}


@pytest.mark.parametrize("case", MISMATCHES)
async def test_an_endpoint_that_is_somebody_else_gets_an_answer_of_the_gateway(case: str) -> None:
    """The policy is sound all the same; the answer is one of HTTP, neither a timeout's nor a dropped connection."""
    host, authority = MISMATCHES[case]
    async with serving(SITE + policy(host=host) + bundle("ca", authority)) as site:
        assert site.declared.said("BackendTLSPolicy", "p") == FOLLOWED
        assert (await site.ask("a/")).outcome == 502


async def test_the_ancestor_is_each_gateway_that_leads_there() -> None:
    two = gateway(listener("http", port=81), name="two") + gateway(listener("http", port=82), name="three")
    site = SITE + two + route("s", rule(to="tls"), parents="{name: two}") + policy() + bundle("ca", ROOT)
    async with serving(site) as served:
        ancestors = served.declared.status("BackendTLSPolicy", "p")["ancestors"]
        assert [(each["ancestorRef"]["kind"], each["ancestorRef"]["name"]) for each in ancestors] == [
            ("Gateway", "two"), ("Gateway", "web"),
        ]  # fmt: skip
        assert (await served.ask("a/", port=81)).outcome == "tls"


UNUSABLE = {
    "a ConfigMap that is not there": (CA, "", FAILED),
    "a ConfigMap without ca.crt": (CA, bundle_of("ca", "x", key="other.crt"), FAILED),
    "a ConfigMap that is empty": (CA, bundle_of("ca", "''"), FAILED),
    "a ConfigMap that holds no PEM": (CA, bundle_of("ca", "hello"), FAILED),
    "a kind that holds none": (
        CA.replace("kind: ConfigMap", "kind: UnknownKind").replace("group: ''", "group: example.com"), "",
        {"Accepted": "False NoValidCACertificate", "ResolvedRefs": "False InvalidKind"}),
}  # fmt: skip


@pytest.mark.parametrize("case", UNUSABLE)
async def test_without_an_authority_nothing_is_sent(case: str) -> None:
    trust, more, said = UNUSABLE[case]
    tls = echo("tls", secure=server_side(SERVER))
    async with Served(SITE + policy(trust=trust) + more, services=("v1",), backends={"tls": tls}) as site:
        assert site.declared.said("BackendTLSPolicy", "p") == said
        assert (await site.ask("a/")).outcome == 500
        assert tls.peers == []


async def test_authorities_are_followed_as_they_change() -> None:
    good, empty = bundle("ca", ROOT), bundle_of("ca", "''")
    async with serving(SITE + policy()) as site:
        for more, outcome, said in (
            ("", 500, FAILED),
            (good, "tls", FOLLOWED),
            (empty, 500, FAILED),
            (good, "tls", FOLLOWED),
        ):
            await site.turn_to(SITE + policy() + more)
            assert site.declared.said("BackendTLSPolicy", "p") == said
            assert (await site.ask("a/")).outcome == outcome


NAMES = {
    # subjectAltNames -> whether one is in the certificate (abc.example.com, other.example.com, spiffe://abc.…)
    "{type: Hostname, hostname: abc.example.com}": True,
    "{type: Hostname, hostname: other.example.com}": True,
    "{type: URI, uri: 'spiffe://abc.example.com/test-identity'}": True,
    "{type: Hostname, hostname: nope.example.com}, {type: URI, uri: 'spiffe://abc.example.com/test-identity'}": True,
    "{type: Hostname, hostname: nope.example.com}, {type: Hostname, hostname: other.example.com}": True,
    "{type: Hostname, hostname: nope.example.com}": False,
    "{type: URI, uri: 'spiffe://abc.example.com/other'}": False,
    "{type: URI, uri: 'spiffe://nope/x'}, {type: Hostname, hostname: nope.example.com}": False,
}


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("host", ["abc.example.com", "server-name-only.example.com"])
async def test_subject_alt_names_stand_for_the_hostname(names: str, host: str) -> None:
    """Any one of them is enough, and the hostname is no longer what the certificate must be for."""
    site = SITE + policy(host=host, more=f", subjectAltNames: [{names}]") + bundle("ca", ROOT)
    async with serving(site) as served:
        assert served.declared.said("BackendTLSPolicy", "p") == FOLLOWED
        assert (await served.ask("a/")).outcome == ("tls" if NAMES[names] else 502)


async def test_of_two_policies_for_one_target_the_first_counts() -> None:
    """By age, then by name; one with a section and one without are no conflict, each for its own."""
    old, young = ", creationTimestamp: '2024-01-01T00:00:00Z'", ", creationTimestamp: '2024-02-01T00:00:00Z'"
    wrong = "nope.example.com"
    site = SITE + bundle("ca", ROOT)
    site += policy("b-old", meta=old, host=wrong) + policy("a-young", meta=young, host=wrong)
    site += policy("at-a", section="http", meta=old) + policy("at-b", section="http", meta=old, host=wrong)
    async with serving(site) as served:
        accepted = {
            name: served.declared.said("BackendTLSPolicy", name)["Accepted"]
            for name in ("b-old", "a-young", "at-a", "at-b")
        }
        assert accepted == {"b-old": "True Accepted", "a-young": "False Conflicted",
                            "at-a": "True Accepted", "at-b": "False Conflicted"}  # fmt: skip
        assert (await served.ask("a/")).outcome == "tls"  # that of the port


def test_a_policy_is_accepted_whether_there_are_endpoints_or_not() -> None:
    bare = "\n---\nkind: Service\nmetadata: {name: tls}\nspec: {ports: [{name: http, port: 8080}]}\n"
    site = WEB + bare + route("r", rule(to="tls")) + bundle("ca", ROOT)
    first = Declared(site + policy(meta=", generation: 1"))
    second = Declared(site + policy(meta=", generation: 2", host="other.example.com"), after=first)
    for n, declared in enumerate((first, second), 1):
        assert declared.said("BackendTLSPolicy", "p") == FOLLOWED
        [ancestor] = declared.status("BackendTLSPolicy", "p")["ancestors"]
        assert {each["observedGeneration"] for each in ancestor["conditions"]} == {n}


# --- the certificate of the Gateway ---------------------------------------------------------------------

CLIENTS = Authority("clients")
SHOWN = CLIENTS.issues("gateway.example", common_name="the gateway")


def showing(ref: str) -> str:
    more = f", tls: {{backend: {{clientCertificateRef: {ref}}}}}"
    return (
        gateway(listener("http"), more=more)
        + TLS
        + route("r", rule(prefix("/"), to="tls"))
        + policy()
        + bundle("ca", ROOT)
    )


async def test_a_gateway_shows_its_certificate_to_endpoints_that_ask() -> None:
    async with serving(showing("{name: shown}") + secret("shown", SHOWN), SERVER, CLIENTS) as site:
        assert site.declared.said("Gateway", "web")["ResolvedRefs"] == "True ResolvedRefs"
        answer = await site.ask("a/")
        assert answer.echo is not None
        assert answer.echo["tls"] == {"name": "abc.example.com", "shown": {"commonName": "the gateway"}}


BAD = {
    "not there": ("{name: missing}", "InvalidClientCertificateRef"),
    "another group": ("{group: example.com, kind: Secret, name: shown}", "InvalidClientCertificateRef"),
    "another kind": ("{kind: ConfigMap, name: shown}", "InvalidClientCertificateRef"),
    "an empty Secret": ("{name: empty}", "InvalidClientCertificateRef"),
    "octets that are no PEM": ("{name: odd}", "InvalidClientCertificateRef"),
    "another namespace": ("{name: shown, namespace: certs}", "RefNotPermitted"),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_certificate_that_cannot_be_had_is_told_and_the_gateway_serves_on(case: str) -> None:
    ref, reason = BAD[case]
    more = secret("shown", SHOWN) + secret("shown", SHOWN, ", namespace: certs") + secret_of("odd", "x", "y")
    more += "\n---\nkind: Secret\nmetadata: {name: empty}\ntype: Opaque\n"
    async with serving(showing(ref) + more) as site:
        said = site.declared.said("Gateway", "web")
        assert (said["Accepted"], said["ResolvedRefs"]) == ("True Accepted", f"False {reason}")
        answer = await site.ask("a/")
        assert answer.echo is not None and answer.echo["tls"]["shown"] == {}


async def test_a_certificate_of_another_namespace_takes_a_grant() -> None:
    source = "{group: gateway.networking.k8s.io, kind: Gateway, namespace: default}"
    more = secret("shown", SHOWN, ", namespace: certs") + grant(
        "g", source, '{group: "", kind: Secret}', namespace="certs"
    )
    async with serving(showing("{name: shown, namespace: certs}") + more, SERVER, CLIENTS) as site:
        assert site.declared.said("Gateway", "web")["ResolvedRefs"] == "True ResolvedRefs"
        assert (await site.ask("a/")).outcome == "tls"
