"""Frontend validation (GatewayTLSConfig.frontend): whose clients show certificates, and what is said where none can."""

import pytest

from tests.certificates import issued, pair
from tests.e2e.peers import Ended
from tests.spec.certificates import bundle, secret, terminates
from tests.spec.served import Served
from tests.spec.site import gateway, grant, listener, route, rule

SERVER = pair("example.org")
DEFAULT, SPECIAL = pair("default authority"), pair("special authority")
OURS, THEIRS = issued(DEFAULT, "a client"), issued(SPECIAL, "another client")
CERTIFICATES = secret("cert", SERVER) + bundle("default-ca", DEFAULT) + bundle("special-ca", SPECIAL)
LISTENERS = (
    listener("http"),
    listener("https", port=443, protocol="HTTPS", more=terminates("cert")),
    listener("special", port=8443, protocol="HTTPS", more=terminates("cert")),
)
FAILED = {"Accepted": "False NoValidCACertificate", "Programmed": "False Invalid"}
GOOD = {"Accepted": "True Accepted", "Programmed": "True Programmed", "ResolvedRefs": "True ResolvedRefs"}


def checks(name: str, more: str = "") -> str:
    """A validation by one ConfigMap, or by a reference in flow YAML."""
    ref = name if name.startswith("{") else f"{{group: '', kind: ConfigMap, name: {name}}}"
    return f"{{validation: {{caCertificateRefs: [{ref}]{more}}}}}"


def site(default: str, *ports: tuple[int, str], more: str = "") -> str:
    entries = ", ".join(f"{{port: {port}, tls: {what}}}" for port, what in ports)
    frontend = f"default: {default}" + (f", perPort: [{entries}]" if ports else "")
    return (
        CERTIFICATES
        + gateway(*LISTENERS, more=f", tls: {{frontend: {{{frontend}}}}}")
        + route("r", rule(to="v1"))
        + more
    )


async def is_let_in(served: Served, shown: object, port: int = 443) -> bool:
    """A refused client gets no answer of HTTP at all."""
    try:
        answer = await served.ask_securely("example.org/", "example.org", SERVER, shown, port=port)  # type: ignore[arg-type]
    except (OSError, Ended):
        return False
    assert answer.outcome == "v1"
    return True


async def test_a_port_may_have_authorities_of_its_own_instead_of_the_default() -> None:
    async with Served(site(checks("default-ca"), (8443, checks("special-ca")))) as served:
        who = (OURS, THEIRS, None)
        assert [await is_let_in(served, shown) for shown in who] == [True, False, False]
        assert [await is_let_in(served, shown, 8443) for shown in who] == [False, True, False]
        assert (await served.ask("a/")).outcome == "v1"  # clear text is not touched
        assert "InsecureFrontendValidationMode" not in served.declared.said("Gateway", "web")


async def test_the_insecure_fallback_lets_in_everybody_and_the_gateway_says_so() -> None:
    async with Served(site(checks("default-ca", ", mode: AllowInsecureFallback"))) as served:
        assert served.declared.said("Gateway", "web")["InsecureFrontendValidationMode"] == "True ConfigurationChanged"
        assert [await is_let_in(served, shown) for shown in (OURS, THEIRS, None)] == [True, True, True]
        for why in ("untrusted", "missing"):  # they were asked all the same
            labels = ("default/web/https", f"client_certificate_{why}")
            assert served.metrics.value("penstock_tls_insecure_fallbacks_total", labels) == 1
        await served.turn_to(site(checks("default-ca")))
        assert "InsecureFrontendValidationMode" not in served.declared.said("Gateway", "web")
        assert await is_let_in(served, None) is False


async def test_a_bad_default_is_for_https_listeners_without_an_entry_of_their_own() -> None:
    """The clear-text listener stays as it is, even where an entry names its port."""
    async with Served(site(checks("missing"), (80, checks("default-ca")), (8443, checks("special-ca")))) as served:
        said = served.declared.said("Gateway", "web", "https")
        assert {name: said[name] for name in FAILED} == FAILED
        assert said["ResolvedRefs"] == "False InvalidCACertificateRef"
        for name in ("http", "special"):
            assert {key: served.declared.said("Gateway", "web", name)[key] for key in GOOD} == GOOD
        assert (await served.ask("a/")).outcome == "v1"
        assert await is_let_in(served, THEIRS, 8443)
        with pytest.raises(KeyError):  # nothing listens there
            await served.connect(443)


BAD = {
    "InvalidCACertificateRef": "missing",
    "InvalidCACertificateKind": "{group: '', kind: Service, name: default-ca}",
    "RefNotPermitted": "{group: '', kind: ConfigMap, name: default-ca, namespace: elsewhere}",
}


@pytest.mark.parametrize("reason", BAD)
async def test_a_bad_entry_of_a_port_is_for_the_listeners_of_that_port(reason: str) -> None:
    text = site(
        checks("default-ca"),
        (8443, checks(BAD[reason])),
        more=bundle("default-ca", DEFAULT, meta=", namespace: elsewhere"),
    )
    async with Served(text) as served:
        said = served.declared.said("Gateway", "web", "special")
        assert {name: said[name] for name in FAILED} == FAILED
        assert said["ResolvedRefs"] == f"False {reason}"
        assert {key: served.declared.said("Gateway", "web", "https")[key] for key in GOOD} == GOOD
        assert await is_let_in(served, OURS)


async def test_a_grant_permits_authorities_of_another_namespace() -> None:
    source = "{group: gateway.networking.k8s.io, kind: Gateway, namespace: default}"
    more = bundle("default-ca", DEFAULT, meta=", namespace: elsewhere")
    more += grant("g", source, '{group: "", kind: ConfigMap}', namespace="elsewhere")
    async with Served(site(checks(BAD["RefNotPermitted"]), more=more)) as served:
        assert {key: served.declared.said("Gateway", "web", "https")[key] for key in GOOD} == GOOD
        assert [await is_let_in(served, shown) for shown in (OURS, THEIRS)] == [True, False]
