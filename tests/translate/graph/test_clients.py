"""spec.tls.frontend: which listeners it is for, whose word counts there, and what a bad reference costs whom."""

import datetime
import json
from typing import Any

import pytest

from proxy.resources.meta import Wanted
from proxy.snapshot.certificate import ClientValidation
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.certificates import Pair, pair
from tests.translate.declare import condition, declare, listener_conditions, listener_set, status, translated
from tests.translate.graph.test_certificates import SERVED, conditions, https, secret, web

OURS, OTHER = pair("our ca"), pair("another ca")
HTTP = {"name": "http", "protocol": "HTTP", "port": 80}
INSECURE = "InsecureFrontendValidationMode"


def config_map(name: str, *authorities: Pair, namespace: str = "default", text: str = "") -> str:
    pem = text or "".join(each.chain.decode() for each in authorities)
    return json.dumps(
        {"kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": {"ca.crt": pem}}
    )


def ref(name: str, kind: str = "ConfigMap", group: str = "", **more: str) -> dict[str, str]:
    return {"group": group, "kind": kind, "name": name, **more}


def by(*refs: dict[str, str], mode: str = "AllowValidOnly") -> dict[str, Any]:
    """A TLSConfig."""
    return {"validation": {"caCertificateRefs": list(refs), "mode": mode}}


def gateway(
    *listeners: dict[str, Any],
    default: dict[str, Any] | None = None,
    per_port: dict[int, Any] | None = None,
    **spec: Any,
) -> str:
    entries = [{"port": port, "tls": tls} for port, tls in (per_port or {}).items()]
    return web(*listeners, tls={"frontend": {"default": default or {}, "perPort": entries}}, **spec)


def a_listener(name: str = "https", port: int = 443, **more: Any) -> dict[str, Any]:
    return https({"name": "cert"}, name=name, port=port, **more)


def checked(translation: Translation, name: str = "https") -> tuple[bytes, ...] | None:
    """The bundles by which clients of a listener are checked; None where they are not."""
    snapshot = translation.snapshot
    clients = snapshot.listeners[f"default/web/{name}"].clients
    return None if clients is None else tuple(snapshot.bundles[key].pem for key in clients.bundles)


GRANT = """
kind: ReferenceGrant
metadata: {name: g, namespace: vault}
spec:
  from: [{group: gateway.networking.k8s.io, kind: %s, namespace: default}]
  to: [{group: "", kind: ConfigMap%s}]
"""


# --- which listeners --------------------------------------------------------------------------


def test_the_default_is_for_https_listeners_that_have_no_entry_of_their_port() -> None:
    listeners = [HTTP, a_listener(), a_listener("own", 8443), a_listener("open", 9443)]
    declared = gateway(
        *listeners, default=by(ref("ours")), per_port={8443: by(ref("other")), 9443: {}, 80: by(ref("gone"))}
    )
    outcome = translated(declared, secret(), config_map("ours", OURS), config_map("other", OTHER))
    found = {name: checked(outcome, name) for name in ("http", "https", "own", "open")}
    assert found == {"http": None, "https": (OURS.chain,), "own": (OTHER.chain,), "open": None}
    assert all(conditions(outcome, name) == SERVED for name in found)
    assert outcome.wanted == {Wanted("Secret", "default", "cert")} | {
        Wanted("ConfigMap", "default", name) for name in ("ours", "other")
    }


def test_listeners_of_one_port_are_checked_alike() -> None:
    listeners = [a_listener("a", hostname="a.example"), a_listener("b", hostname="b.example")]
    outcome = translated(gateway(*listeners, default=by(ref("ours"))), secret(), config_map("ours", OURS))
    assert checked(outcome, "a") == checked(outcome, "b") == (OURS.chain,)


def test_what_a_listener_set_adds_is_checked_as_its_gateway_says() -> None:
    declared = gateway(
        a_listener(),
        default=by(ref("ours")),
        per_port={8443: by(ref("gone"))},
        allowedListeners={"namespaces": {"from": "All"}},
    )
    tls = ", tls: {certificateRefs: [{name: cert}]}"
    added = listener_set(
        "set",
        f"{{name: good, protocol: HTTPS, port: 443, hostname: a.example{tls}}}",
        f"{{name: bad, protocol: HTTPS, port: 8443{tls}}}",
    )
    outcome = translated(declared, added, secret(), config_map("ours", OURS))
    assert checked(outcome, "default/set/good") == (OURS.chain,)
    found = listener_conditions(outcome, "ListenerSet", "set", "bad")
    assert condition(found, "Accepted") == ("False", "NoValidCACertificate")
    assert condition(found, "ResolvedRefs") == ("False", "InvalidCACertificateRef")
    assert "gone" not in json.dumps(
        status(outcome, "ListenerSet", "set")
    )  # what the Gateway refers to is its own affair


# --- references -------------------------------------------------------------------------------

BAD = [
    # (the reference, what is declared beside it, the reason)
    (ref("gone"), (), "InvalidCACertificateRef"),
    (ref("ca", "Service"), (), "InvalidCACertificateKind"),
    (ref("ca", group="example.com"), (), "InvalidCACertificateKind"),
    (ref("ca", namespace="vault"), (config_map("ca", OURS, namespace="vault"),), "RefNotPermitted"),
    (
        ref("ca", namespace="vault"),
        (config_map("ca", OURS, namespace="vault"), GRANT % ("HTTPRoute", "")),
        "RefNotPermitted",
    ),
    (
        ref("ca", namespace="vault"),
        (config_map("ca", OURS, namespace="vault"), GRANT % ("Gateway", ", name: cb")),
        "RefNotPermitted",
    ),
    (ref("ca"), (config_map("ca", text="no certificate"),), "InvalidCACertificateRef"),
    (ref("ca"), ("kind: ConfigMap\nmetadata: {name: ca}\ndata: {tls.crt: x}\n",), "InvalidCACertificateRef"),
]
IDS = ["missing", "kind", "group", "no grant", "grant to others", "grant of another", "not PEM", "no ca.crt"]


@pytest.mark.parametrize(("bad", "beside", "reason"), BAD, ids=IDS)
def test_without_any_authority_a_listener_is_refused_and_its_neighbours_are_not(
    bad: dict[str, str], beside: tuple[str, ...], reason: str
) -> None:
    """As GatewayInvalidFrontendClientCertificateValidation has it, and GatewayFrontendInvalidDefault… for HTTP."""
    declared = gateway(a_listener(), a_listener("own", 8443), HTTP, default=by(ref("ours")), per_port={8443: by(bad)})
    outcome = translated(declared, secret(), config_map("ours", OURS), *beside)
    assert conditions(outcome, "https") == conditions(outcome, "http") == SERVED
    assert conditions(outcome, "own") == {
        "Accepted": ("False", "NoValidCACertificate"),
        "Programmed": ("False", "Invalid"),
        "ResolvedRefs": ("False", reason),
    }
    assert [bind.port for bind in outcome.snapshot.binds] == [80, 443]
    message = next(
        item["message"]
        for item in listener_conditions(outcome, "Gateway", "web", "own")
        if item["type"] == "ResolvedRefs"
    )
    assert "spec.tls.frontend.perPort[0].tls.validation.caCertificateRefs[0]" in message


@pytest.mark.parametrize(("bad", "beside", "reason"), BAD, ids=IDS)
def test_with_another_authority_the_listener_is_served_by_that(
    bad: dict[str, str], beside: tuple[str, ...], reason: str
) -> None:
    outcome = translated(
        gateway(a_listener(), default=by(bad, ref("ours"))), secret(), config_map("ours", OURS), *beside
    )
    assert conditions(outcome) == {**SERVED, "ResolvedRefs": ("False", reason)}
    assert checked(outcome) == (OURS.chain,)


def test_a_grant_from_gateway_to_config_map_permits_one() -> None:
    declared = gateway(a_listener(), default=by(ref("ca", namespace="vault")))
    beside = (secret(), config_map("ca", OURS, namespace="vault"))
    assert checked(translated(declared, *beside, GRANT % ("Gateway", ", name: ca"))) == (OURS.chain,)


def test_several_references_add_up_and_what_comes_twice_counts_once() -> None:
    refs = [ref("ours"), ref("both"), ref("again")]
    maps = [config_map("ours", OURS), config_map("both", OTHER, OURS), config_map("again", OURS)]
    outcome = translated(gateway(a_listener(), default=by(*refs)), secret(), *maps)
    assert checked(outcome) == (OURS.chain, OTHER.chain + OURS.chain)


def test_what_is_wrong_with_a_port_is_told_once_for_all_its_listeners() -> None:
    listeners = [a_listener("a", hostname="a.example"), a_listener("b", hostname="b.example")]
    outcome = translated(gateway(*listeners, default=by(ref("gone"))), secret())
    assert sorted(problem.field for problem in outcome.problems) == [
        "spec.tls.frontend.default.validation.caCertificateRefs",
        "spec.tls.frontend.default.validation.caCertificateRefs[0].name",
    ]


def test_authorities_that_have_expired_are_worth_a_warning() -> None:
    old = pair("old ca", ends=datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC))
    resources = declare(gateway(a_listener(), default=by(ref("ca"))), secret(), config_map("ca", old))
    outcome = translate(resources, TranslateSettings(), now=1.7e9)
    assert conditions(outcome) == SERVED
    [problem] = outcome.problems
    assert (problem.severity, "have expired" in problem.message) == ("warning", True)


# --- live -------------------------------------------------------------------------------------


def test_authorities_are_followed() -> None:
    """From none, by one, to another and back to none: each time only what has changed is new."""
    declared = gateway(a_listener(), default=by(ref("ca")))
    settings = TranslateSettings()
    first = translate(declare(declared, secret()), settings)
    assert first.snapshot.binds == ()
    one = translate(declare(declared, secret(), config_map("ca", OURS)), settings, first)
    two = translate(declare(declared, secret(), config_map("ca", OTHER)), settings, one)
    assert (checked(one), checked(two)) == ((OURS.chain,), (OTHER.chain,))
    assert one.snapshot.listeners != two.snapshot.listeners
    same = translate(declare(declared, secret(), config_map("ca", OTHER)), settings, two)
    assert same.snapshot is two.snapshot
    assert translate(declare(declared, secret()), settings, same).snapshot.binds == ()


# --- the insecure fallback --------------------------------------------------------------------


def gateway_conditions(translation: Translation) -> dict[str, tuple[str, str]]:
    return {
        item["type"]: (item["status"], item["reason"]) for item in status(translation, "Gateway", "web")["conditions"]
    }


@pytest.mark.parametrize("where", ["default", "port"])
def test_the_insecure_fallback_is_said_on_the_gateway_while_it_lasts(where: str) -> None:
    insecure, strict = by(ref("ours"), mode="AllowInsecureFallback"), by(ref("ours"))
    default, own = (insecure, strict) if where == "default" else (strict, insecure)
    listeners = [a_listener(), a_listener("own", 8443)]
    beside = (secret(), config_map("ours", OURS))
    outcome = translated(gateway(*listeners, default=default, per_port={8443: own}), *beside)
    assert gateway_conditions(outcome)[INSECURE] == ("True", "ConfigurationChanged")
    modes = [outcome.snapshot.listeners[f"default/web/{name}"].clients for name in ("https", "own")]
    keys = tuple(outcome.snapshot.bundles)
    assert modes == [ClientValidation(keys, where == "default"), ClientValidation(keys, where == "port")]
    [problem] = outcome.problems
    assert (problem.severity, problem.field.endswith("validation.mode")) == ("warning", True)
    again = translated(gateway(*listeners, default=strict), *beside)
    assert INSECURE not in gateway_conditions(again)


def test_the_insecure_fallback_needs_an_authority_too() -> None:
    outcome = translated(gateway(a_listener(), default=by(ref("gone"), mode="AllowInsecureFallback")), secret())
    assert conditions(outcome)["Accepted"] == ("False", "NoValidCACertificate")
    assert outcome.snapshot.binds == ()


def test_an_entry_for_a_port_without_https_is_worth_a_word() -> None:
    declared = gateway(HTTP, a_listener(), per_port={80: by(ref("ours"))})
    [problem] = translated(declared, secret(), config_map("ours", OURS)).problems
    assert (problem.severity, problem.field) == ("warning", "spec.tls.frontend.perPort[0].port")
    more = gateway(HTTP, a_listener(), per_port={80: by(ref("ours"))}, allowedListeners={"namespaces": {"from": "All"}})
    assert translated(more, secret(), config_map("ours", OURS)).problems == ()
