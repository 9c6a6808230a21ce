"""Status of Gateways, their listeners and GatewayClasses (GatewayStatus, ListenerStatus)."""

import pytest

from tests.certificates import pair
from tests.spec.certificates import secret, secret_of, terminates
from tests.spec.declared import Declared
from tests.spec.served import Served
from tests.spec.site import WEB, gateway, grant, listener, route, rule

HTTP_ROUTE = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}
BY_DEFAULT = [HTTP_ROUTE, HTTP_ROUTE | {"kind": "GRPCRoute"}]
"""What listeners of HTTP and HTTPS take when they say nothing (Listener.allowedRoutes.kinds)."""
GOOD = {
    "Accepted": "True Accepted",
    "Programmed": "True Programmed",
    "ResolvedRefs": "True ResolvedRefs",
    "Conflicted": "False NoConflicts",
}


def test_a_sound_gateway_and_its_listeners() -> None:
    declared = Declared(gateway(listener("http"), listener("more", port=8080)))
    assert declared.said("Gateway", "web") == {name: GOOD[name] for name in ("Accepted", "Programmed", "ResolvedRefs")}
    for name in ("http", "more"):
        assert declared.said("Gateway", "web", name) == GOOD
        assert declared.listener("Gateway", "web", name)["supportedKinds"] == BY_DEFAULT


@pytest.mark.parametrize("controller", ["penstock.dev/gateway-controller", "example.com/other"])
def test_a_class_is_accepted_in_the_generation_it_has_and_another_controllers_is_not_spoken_of(controller: str) -> None:
    declared = Declared(
        f"kind: GatewayClass\nmetadata: {{name: c, generation: 7}}\nspec: {{controllerName: {controller}}}"
    )
    assert declared.has_status("GatewayClass", "c") is controller.startswith("penstock")
    for each in declared.translation.statuses:
        assert {condition["observedGeneration"] for condition in each.status["conditions"]} == {7}


PARAMETERS = {
    "of a kind that nobody knows": "{group: example.com, kind: Odd, name: x}",
    "that are not there": "{group: penstock.dev, kind: GatewayParameters, name: missing}",
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_parameters_that_cannot_be_followed_refuse_the_gateway(case: str) -> None:
    site = gateway(listener("http"), more=f", infrastructure: {{parametersRef: {PARAMETERS[case]}}}")
    declared = Declared(site + gateway(listener("http", "beside.example"), name="beside"))
    assert declared.said("Gateway", "web")["Accepted"] == "False InvalidParameters"
    assert declared.said("Gateway", "beside")["Accepted"] == "True Accepted"


@pytest.mark.parametrize(
    ("kinds", "supported"),
    [("[{kind: InvalidRoute}]", []), ("[{kind: HTTPRoute}, {kind: InvalidRoute}]", [HTTP_ROUTE]),
     ("[{group: example.com, kind: HTTPRoute}]", [])],
)  # fmt: skip
def test_kinds_that_no_route_has(kinds: str, supported: list[dict[str, str]]) -> None:
    declared = Declared(gateway(listener("http", more=f", allowedRoutes: {{kinds: {kinds}}}")))
    assert declared.said("Gateway", "web", "http")["ResolvedRefs"] == "False InvalidRouteKinds"
    assert declared.listener("Gateway", "web", "http")["supportedKinds"] == supported


async def test_a_protocol_that_is_none_costs_its_own_listener() -> None:
    """All of them: nothing is accepted. One of them: accepted, and the reason tells of it."""
    odd = listener("odd", port=81, protocol="example.com/INVALID")
    site = gateway(odd, name="alone") + gateway(odd, listener("http")) + route("r", rule(to="v1"))
    async with Served(site) as served:
        declared = served.declared
        assert declared.said("Gateway", "alone")["Accepted"] == "False ListenersNotValid"
        assert declared.said("Gateway", "web")["Accepted"] == "True ListenersNotValid"
        for name in ("alone", "web"):
            assert declared.said("Gateway", name, "odd")["Accepted"] == "False UnsupportedProtocol"
            assert declared.listener("Gateway", name, "odd")["supportedKinds"] == []
        assert declared.said("Gateway", "web", "http")["Accepted"] == "True Accepted"
        assert (await served.ask("a/")).outcome == "v1"


async def test_listeners_come_and_go() -> None:
    one, two = listener("http"), listener("more", port=8080)
    child = route("r", rule(to="v1"))
    async with Served(gateway(one) + child) as served:
        for listeners in ((one, two), (two,), (one,)):
            await served.turn_to(gateway(*listeners, meta=", generation: 3") + child)
            names = [name for name in ("http", "more") if any(f"name: {name}," in each for each in listeners)]
            assert served.declared.attached("web") == dict.fromkeys(names, 1)
            for name in names:
                assert served.declared.said("Gateway", "web", name) == GOOD
            assert (await served.ask("a/", port=8080 if "more" in names else 80)).outcome == "v1"
            entries = [*served.declared.status("Gateway", "web")["conditions"]]
            assert {each["observedGeneration"] for each in entries} == {3}


# --- certificates -----------------------------------------------------------------------------------

CERTIFICATE = pair("example.org")
BAD_REFERENCES = {
    "a Secret that is not there": ("{name: missing}", ""),
    "a group that holds none": ("{group: example.com, kind: Secret, name: cert}", secret("cert", CERTIFICATE)),
    "a kind that holds none": ("{kind: ConfigMap, name: cert}", secret("cert", CERTIFICATE)),
    "octets that are no PEM": ("{name: cert}", secret_of("cert", "Hello world\n", "Hello world\n")),
    "a key that is none": ("{name: cert}", secret_of("cert", CERTIFICATE.chain.decode(), "Hello world\n")),
    "the key of another": ("{name: cert}", secret_of("cert", CERTIFICATE.chain.decode(), pair("b.org").key.decode())),
}


@pytest.mark.parametrize("case", BAD_REFERENCES)
def test_a_certificate_that_cannot_be_had(case: str) -> None:
    ref, more = BAD_REFERENCES[case]
    https = listener("https", port=443, protocol="HTTPS", more=f", tls: {{certificateRefs: [{ref}]}}")
    declared = Declared(more + gateway(https))
    said = declared.said("Gateway", "web", "https")
    assert (said["ResolvedRefs"], said["Programmed"]) == ("False InvalidCertificateRef", "False Invalid")
    entry = declared.listener("Gateway", "web", "https")
    assert (entry["supportedKinds"], entry["attachedRoutes"]) == (BY_DEFAULT, 0)
    assert declared.said("Gateway", "web")["ResolvedRefs"] == "False ListenersNotResolved"


FROM = "{{group: {}, kind: {}, namespace: {}}}"
OURS = FROM.format("gateway.networking.k8s.io", "Gateway", "default")
SECRETS = '{group: "", kind: Secret}'
GRANTS = {
    # (namespace of the grant, from, to, what comes of it)
    "none": ("", "", "", False),
    "for every Secret": ("certs", OURS, SECRETS, True),
    "for this Secret": ("certs", OURS, '{group: "", kind: Secret, name: cert}', True),
    "in another namespace": ("default", OURS, SECRETS, False),
    "from another group": ("certs", FROM.format("example.com", "Gateway", "default"), SECRETS, False),
    "from another kind": ("certs", FROM.format("gateway.networking.k8s.io", "HTTPRoute", "default"), SECRETS, False),
    "from another namespace": ("certs", FROM.format("gateway.networking.k8s.io", "Gateway", "other"), SECRETS, False),
    "to another group": ("certs", OURS, "{group: example.com, kind: Secret}", False),
    "to another kind": ("certs", OURS, '{group: "", kind: Service}', False),
    "to another name": ("certs", OURS, '{group: "", kind: Secret, name: other}', False),
}


@pytest.mark.parametrize("case", GRANTS)
@pytest.mark.parametrize("exists", [True, False])
def test_a_certificate_of_another_namespace_takes_a_grant(case: str, exists: bool) -> None:
    """Without one it is the same whether the Secret is there or not."""
    namespace, source, target, permitted = GRANTS[case]
    site = grant("g", source, target, namespace=namespace) if namespace else ""
    site += secret("cert", CERTIFICATE, ", namespace: certs") if exists else ""
    ref = ", tls: {certificateRefs: [{name: cert, namespace: certs}]}"
    declared = Declared(site + gateway(listener("https", port=443, protocol="HTTPS", more=ref)))
    said = declared.said("Gateway", "web", "https")
    if not permitted:
        assert said["ResolvedRefs"] == "False RefNotPermitted"
        assert "there is no Secret" not in declared.message("Gateway", "web", "ResolvedRefs", "https")
    elif exists:
        assert (said["ResolvedRefs"], said["Programmed"]) == ("True ResolvedRefs", "True Programmed")
    else:
        assert said["ResolvedRefs"] == "False InvalidCertificateRef"


async def test_of_several_certificates_the_one_that_names_the_server_is_shown() -> None:
    other = pair("other.org")
    https = listener("https", port=443, protocol="HTTPS", more=terminates("a", "b"))
    site = secret("a", CERTIFICATE) + secret("b", other) + gateway(https) + route("r", rule(to="v1"))
    async with Served(site) as served:
        for name, trusted in (("example.org", CERTIFICATE), ("other.org", other)):
            assert (await served.ask_securely(f"{name}/", name, trusted)).outcome == "v1"


# --- addresses ----------------------------------------------------------------------------------------


def with_addresses(*entries: str) -> Declared:
    return Declared(gateway(listener("http"), more=f", addresses: [{', '.join(entries)}]"))


def test_an_address_of_a_type_that_cannot_be_bound_refuses_the_gateway() -> None:
    declared = with_addresses("{type: test/fake-invalid-type, value: x}", "{type: IPAddress, value: 127.0.0.1}")
    assert declared.said("Gateway", "web")["Accepted"] == "False UnsupportedAddress"
    assert declared.status("Gateway", "web")["addresses"] == []


def test_the_address_that_was_asked_for_is_the_one_it_has() -> None:
    declared = with_addresses("{type: IPAddress, value: 127.0.0.7}")
    assert declared.said("Gateway", "web")["Programmed"] == "True Programmed"
    assert declared.status("Gateway", "web")["addresses"] == [{"type": "IPAddress", "value": "127.0.0.7"}]


def test_an_address_without_a_value_is_chosen() -> None:
    declared = with_addresses("{type: IPAddress}")
    [address] = declared.status("Gateway", "web")["addresses"]
    assert address["type"] == "IPAddress" and address["value"]


def test_a_name_of_the_greatest_length() -> None:
    name = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert len(name) == 253
    declared = Declared(gateway(listener("http"), name=name) + route("r", rule(to="x"), parents=f"{{name: {name}}}"))
    assert declared.said("Gateway", name)["Accepted"] == "True Accepted"
    assert declared.said("HTTPRoute", "r")["Accepted"] == "True Accepted"


def test_labels_and_annotations_are_on_what_is_made_for_a_gateway() -> None:
    parameters = """
---
kind: GatewayParameters
metadata: {name: shared}
spec: {service: {type: LoadBalancer}}
"""
    infrastructure = (
        ", infrastructure: {parametersRef: {group: penstock.dev, kind: GatewayParameters, name: shared}, "
        "labels: {key1: value1}, annotations: {key2: value2}}"
    )
    site = (
        "---\nkind: GatewayClass\nmetadata: {name: penstock}\nspec: {controllerName: penstock.dev/gateway-controller}\n"
    )
    made = Declared(
        site + parameters + gateway(listener("http"), more=infrastructure), file_mode=False, namespace="here"
    )
    bodies = [item.body["metadata"] for item in made.translation.infrastructure.objects]
    assert bodies
    for meta in bodies:
        assert meta["labels"]["key1"] == "value1" and meta["annotations"]["key2"] == "value2"
        assert meta["labels"]["gateway.networking.k8s.io/gateway-name"] == "web"


def test_of_a_gateway_of_a_class_of_nobody_nothing_is_said() -> None:
    odd = gateway(listener("http", port=81), name="odd").replace("gatewayClassName: penstock", "gatewayClassName: odd")
    declared = Declared(WEB + odd)
    assert declared.has_status("Gateway", "web") and not declared.has_status("Gateway", "odd")
