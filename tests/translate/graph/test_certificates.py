"""certificateRefs: what they lead to, what is refused, and what is served all the same."""

import datetime
import json
import subprocess
import sys
from typing import Any

import pytest

from proxy.resources.meta import Wanted
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.certificates import Pair, pair
from tests.translate.declare import condition, declare, status, translated

GOOD, OTHER = pair("a.example"), pair("b.example", "*.b.example")


def secret(name: str = "cert", data: Pair = GOOD, *, namespace: str = "default", **changed: str | None) -> str:
    values = {"tls.crt": data.chain.decode(), "tls.key": data.key.decode()}
    values |= {f"tls.{part}": value for part, value in changed.items()}  # type: ignore[misc]
    given = {part: value for part, value in values.items() if value is not None}
    meta = {"name": name, "namespace": namespace}
    return json.dumps({"kind": "Secret", "metadata": meta, "type": "kubernetes.io/tls", "stringData": given})


def https(
    *refs: dict[str, str], name: str = "https", hostname: str = "", port: int = 443, **tls: Any
) -> dict[str, Any]:
    listener = {"name": name, "protocol": "HTTPS", "port": port, "tls": {"certificateRefs": list(refs), **tls}}
    return listener | ({"hostname": hostname} if hostname else {})


def web(*listeners: dict[str, Any], **spec: Any) -> str:
    meta = {"name": "web", "namespace": "default"}
    given = {"gatewayClassName": "penstock", "listeners": list(listeners), **spec}
    return json.dumps({"kind": "Gateway", "metadata": meta, "spec": given})


ROUTE = """
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: web}]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]
"""

GRANT = """
kind: ReferenceGrant
metadata: {name: g, namespace: vault}
spec:
  from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: default}]
  to: [{group: "", kind: Secret%s}]
"""


def listener(translation: Translation, name: str = "https") -> dict[str, Any]:
    return next(item for item in status(translation, "Gateway", "web")["listeners"] if item["name"] == name)


def conditions(translation: Translation, name: str = "https") -> dict[str, tuple[str, str]]:
    found = listener(translation, name)["conditions"]
    return {kind: condition(found, kind) for kind in ("Accepted", "Programmed", "ResolvedRefs")}


def names(translation: Translation, key: str = "default/web/https") -> list[tuple[bytes, ...]]:
    snapshot = translation.snapshot
    return [snapshot.certificates[digest].names for digest in snapshot.listeners[key].certificates]


SERVED = {
    "Accepted": ("True", "Accepted"),
    "Programmed": ("True", "Programmed"),
    "ResolvedRefs": ("True", "ResolvedRefs"),
}
UNSERVED = {"Accepted": ("True", "Accepted"), "Programmed": ("False", "Invalid")}


def test_a_listener_with_its_certificate() -> None:
    outcome = translated(web(https({"name": "cert"})), secret(), ROUTE)
    assert conditions(outcome) == SERVED
    assert listener(outcome)["attachedRoutes"] == 1
    assert names(outcome) == [(b"a.example",)]
    assert outcome.problems == ()
    assert outcome.wanted == {Wanted("Secret", "default", "cert")}


@pytest.mark.parametrize(
    ("ref", "text", "reason", "said"),
    [
        ({"name": "none"}, secret(), "InvalidCertificateRef", "there is no Secret default/none"),
        ({"name": "cert", "kind": "ConfigMap"}, secret(), "InvalidCertificateRef", "ConfigMap cannot hold"),
        ({"name": "cert", "group": "wrong.io"}, secret(), "InvalidCertificateRef", "Secret.wrong.io cannot hold"),
        ({"name": "cert"}, secret(key=None), "InvalidCertificateRef", "tls.key of Secret default/cert is missing"),
        ({"name": "cert"}, secret(crt=None), "InvalidCertificateRef", "tls.crt of Secret default/cert is missing"),
        ({"name": "cert"}, secret(crt="Hello world"), "InvalidCertificateRef", "has no PEM certificate"),
        ({"name": "cert"}, secret(key="Hello world"), "InvalidCertificateRef", "has no PEM private key"),
        ({"name": "cert"}, secret(key=OTHER.key.decode()), "InvalidCertificateRef", "is not the key of the first"),
        ({"name": "cert", "namespace": "vault"}, secret(namespace="vault"), "RefNotPermitted", "no ReferenceGrant"),
        ({"name": "cert", "namespace": "vault"}, secret(), "RefNotPermitted", "no ReferenceGrant"),
    ],
)
def test_a_reference_that_leads_nowhere(ref: dict[str, str], text: str, reason: str, said: str) -> None:
    plain = {"name": "http", "protocol": "HTTP", "port": 80}
    outcome = translated(web(https(ref), plain), text, ROUTE)
    assert conditions(outcome) == {**UNSERVED, "ResolvedRefs": ("False", reason)}
    assert listener(outcome)["attachedRoutes"] == 1
    assert [kind["kind"] for kind in listener(outcome)["supportedKinds"]] == ["HTTPRoute", "GRPCRoute"]
    assert any(said in problem.message for problem in outcome.problems), outcome.problems
    assert [bind.listeners for bind in outcome.snapshot.binds] == [("default/web/http",)]
    gateway = status(outcome, "Gateway", "web")["conditions"]
    assert condition(gateway, "Accepted") == ("True", "Accepted")
    assert condition(gateway, "Programmed") == ("True", "Programmed")


@pytest.mark.parametrize("name", ["", ", name: cert"])
def test_a_grant_permits(name: str) -> None:
    ref = {"name": "cert", "namespace": "vault"}
    outcome = translated(web(https(ref)), secret(namespace="vault"), GRANT % name)
    assert conditions(outcome) == SERVED
    assert outcome.wanted == {Wanted("Secret", "vault", "cert")}


NEARLY = {
    "of another namespace": GRANT.replace("namespace: vault", "namespace: other") % "",
    "to another name": GRANT % ", name: other",
    "to another kind": GRANT.replace("kind: Secret%s", "kind: ConfigMap"),
    "to another group": GRANT.replace('group: ""', "group: wrong.io") % "",
    "from another namespace": GRANT.replace("namespace: default", "namespace: elsewhere") % "",
    "from another kind": GRANT.replace("kind: Gateway", "kind: HTTPRoute") % "",
    "from another group": GRANT.replace("group: gateway.networking.k8s.io", 'group: ""') % "",
}


@pytest.mark.parametrize("grant", NEARLY.values(), ids=NEARLY.keys())
def test_a_grant_that_is_nearly_right_permits_nothing(grant: str) -> None:
    outcome = translated(web(https({"name": "cert", "namespace": "vault"})), secret(namespace="vault"), grant)
    assert conditions(outcome)["ResolvedRefs"] == ("False", "RefNotPermitted")
    assert outcome.wanted == frozenset()


def test_what_may_not_be_read_is_not_told_apart_from_what_is_not_there() -> None:
    ref = {"name": "cert", "namespace": "vault"}
    there = translated(web(https(ref)), secret(namespace="vault"))
    missing = translated(web(https(ref)))
    assert [problem.message for problem in there.problems] == [problem.message for problem in missing.problems]


def test_of_several_references_the_good_ones_are_served() -> None:
    refs = {"name": "none"}, {"name": "cert"}, {"name": "other"}, {"name": "cert"}
    outcome = translated(web(https(*refs)), secret(), secret("other", OTHER))
    assert conditions(outcome) == {**SERVED, "ResolvedRefs": ("False", "InvalidCertificateRef")}
    assert names(outcome) == [(b"a.example",), (b"b.example", b"*.b.example")]


def test_gateways_of_others_want_nothing() -> None:
    assert translated(web(https({"name": "cert"}), gatewayClassName="theirs"), secret()).wanted == frozenset()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("rsa-1024", "has an RSA key of 1024 bits"),
        ("secp256k1", "has a key on curve secp256k1"),
    ],
)
def test_keys_that_the_library_would_refuse_are_refused_here(kind: str, said: str) -> None:
    [problem] = translated(web(https({"name": "cert"})), secret(data=pair("a.example", kind=kind))).problems
    assert said in problem.message


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa-2048", "ed25519"])
def test_keys_that_are_served(kind: str) -> None:
    assert conditions(translated(web(https({"name": "cert"})), secret(data=pair("a.example", kind=kind)))) == SERVED


def test_an_encrypted_key_is_refused() -> None:
    encrypted = pair("a.example", passphrase=b"secret")
    [problem] = translated(web(https({"name": "cert"})), secret(data=encrypted)).problems
    assert problem.message == "tls.key of Secret default/cert is encrypted"


def test_an_expired_certificate_is_served_with_a_warning() -> None:
    ends = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    resources = declare(web(https({"name": "cert"})), secret(data=pair("a.example", ends=ends)))
    outcome = translate(resources, TranslateSettings(), now=ends.timestamp() + 1)
    assert conditions(outcome) == SERVED
    [problem] = outcome.problems
    assert problem.severity == "warning" and "has expired" in problem.message
    assert translate(resources, TranslateSettings(), now=ends.timestamp() - 1).problems == ()


def told(outcome: Translation) -> list[tuple[str, str]]:
    return [(problem.field, problem.message) for problem in outcome.problems]


def test_values_that_cannot_be() -> None:
    missing = {"name": "https", "protocol": "HTTPS", "port": 443}
    for spec, field in (
        (missing, "spec.listeners[0].tls"),
        (https({"name": "cert"}, mode="Passthrough"), "spec.listeners[0].tls.mode"),
    ):
        outcome = translated(web(spec), secret())
        assert conditions(outcome)["Accepted"] == ("False", "UnsupportedValue")
        assert [at for at, _ in told(outcome)] == [field]


def test_no_reference_and_options() -> None:
    outcome = translated(web(https(options={"example.com/x": "y"})))
    assert conditions(outcome)["ResolvedRefs"] == ("False", "InvalidCertificateRef")
    assert ("spec.listeners[0].tls.options", "option 'example.com/x' is not known and has no effect") in told(outcome)


VALIDATION = {"validation": {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}}


@pytest.mark.parametrize(
    ("frontend", "served"),
    [
        ({"default": VALIDATION}, False),
        ({"default": {}, "perPort": [{"port": 443, "tls": VALIDATION}]}, False),
        ({"default": {}, "perPort": [{"port": 8443, "tls": VALIDATION}]}, True),
        ({"default": VALIDATION, "perPort": [{"port": 443, "tls": {}}]}, True),
    ],
)
def test_who_asks_for_client_certificates_gets_no_listener_without(frontend: dict[str, Any], served: bool) -> None:
    outcome = translated(web(https({"name": "cert"}), tls={"frontend": frontend}), secret())
    assert (conditions(outcome) == SERVED) is served
    assert bool(outcome.snapshot.binds) is served


def test_https_listeners_share_a_port_by_hostname_but_not_with_http() -> None:
    one, two = https({"name": "cert"}, hostname="a.example"), https({"name": "cert"}, name="two", hostname="b.example")
    assert conditions(translated(web(one, two), secret()), "two") == SERVED
    plain = {"name": "http", "protocol": "HTTP", "port": 443}
    conflict = conditions(translated(web(one, plain), secret()))
    assert conflict["Accepted"] == ("False", "ProtocolConflict")
    assert conditions(translated(web(one, {**plain, "port": 80}), secret())) == SERVED


IMPORTS = """
import sys
from tests.translate.declare import WEB, translated
assert translated(WEB).snapshot.binds
assert not any(name.partition(".")[0] == "cryptography" for name in sys.modules)
"""


def test_who_declares_no_https_does_without_the_parser() -> None:
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)


# --- from one translation to the next ---------------------------------------------------------


def step(previous: Translation | None, *texts: str) -> Translation:
    return translate(declare(*texts), TranslateSettings(), previous)


def test_a_renewed_certificate_is_another_and_everything_else_stays() -> None:
    gateway, renewed = web(https({"name": "cert"})), secret(data=pair("a.example", number=1))
    first = step(None, gateway, secret())
    second = step(first, gateway, renewed)
    assert second.snapshot is not first.snapshot
    assert first.snapshot.certificates.keys().isdisjoint(second.snapshot.certificates)
    assert step(second, gateway, renewed).snapshot is second.snapshot


def test_a_secret_that_turns_bad_takes_nothing_down() -> None:
    gateway = web(https({"name": "cert"}))
    first = step(None, gateway, secret())
    half = step(first, gateway, secret(key=OTHER.key.decode()))
    assert half.snapshot is first.snapshot
    assert conditions(half) == {**SERVED, "ResolvedRefs": ("False", "InvalidCertificateRef")}
    assert "its last good certificate is still served" in half.problems[0].message
    assert conditions(step(half, gateway, secret(data=OTHER))) == SERVED
    gone = step(half, gateway)
    assert gone.snapshot.binds == ()
    assert step(gone, gateway, secret(crt="x")).snapshot.binds == ()


def test_no_octet_of_a_key_is_in_what_is_told() -> None:
    """Whatever is wrong with it."""
    lines = [line for line in GOOD.key.decode().splitlines() if not line.startswith("-")]
    damaged = [
        GOOD.key.decode().replace(lines[0], lines[0][::-1]),
        "\n".join(lines),
        GOOD.key.decode()[:-30],
        OTHER.key.decode(),
    ]
    for key in damaged:
        outcome = translated(web(https({"name": "cert"})), secret(key=key))
        assert outcome.problems
        said = repr((outcome.problems, outcome.statuses, outcome.snapshot, outcome.graph.certificates.__dict__))
        assert not any(line in said for line in lines)
