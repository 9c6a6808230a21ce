"""Objects that refer to each other and change one by one, in any order: every step comes to what starting afresh does.

Unlike the sets of `test_properties` these are of one piece: nearly every reference leads to something that comes, goes
and becomes another, so that what is kept from one translation to the next is kept for a reason.
"""

import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.resources.meta import Resource
from proxy.resources.store import ResourceSet
from proxy.snapshot.delta import apply, decode_delta, difference, encode_delta
from proxy.snapshot.snapshot import Snapshot
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.certificates import pair
from tests.translate.declare import entry, listener_set, objects

X = "gateway.networking.x-k8s.io"
OWN = "apiVersion: penstock.dev/v1alpha1"
AUTHORITY = pair("ca.example").chain.decode()


def gateway(name: str, scope: str, *listeners: str) -> str:
    listed = ", ".join(listeners)
    more = "allowedListeners: {namespaces: {from: Same}}"
    spec = f"{{gatewayClassName: penstock, {scope}{more}, listeners: [{listed}]}}"
    return f"kind: Gateway\nmetadata: {{name: {name}}}\nspec: {spec}"


def tls(secret: str) -> str:
    return f", tls: {{certificateRefs: [{{name: {secret}}}]}}"


def route(name: str, parents: str, rule: str) -> str:
    return f"kind: HTTPRoute\nmetadata: {{name: {name}}}\nspec: {{{parents}, rules: [{rule}]}}"


def service(name: str, spec: str) -> str:
    return f"kind: Service\nmetadata: {{name: {name}}}\nspec: {spec}"


def xbackend(spec: str) -> str:
    more = f"type: ExternalHostname, externalHostname: {{hostname: api.example}}, port: {{port: 443}}{spec}"
    return f"apiVersion: {X}/v1alpha1\nkind: XBackend\nmetadata: {{name: out}}\nspec: {{{more}}}"


def answer(spec: str) -> str:
    return f"{OWN}\nkind: DirectResponse\nmetadata: {{name: closed}}\nspec: {spec}"


def secret(*names: str) -> str:
    shown = pair(*names)
    data = json.dumps({"tls.crt": shown.chain.decode(), "tls.key": shown.key.decode()})
    return f"kind: Secret\nmetadata: {{name: shown}}\ntype: kubernetes.io/tls\nstringData: {data}"


def policy(more: str) -> str:
    target = "targetRefs: [{group: '', kind: Service, name: app}]"
    validation = "validation: {hostname: app.example, caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}"
    return f"kind: BackendTLSPolicy\nmetadata: {{name: p{more}}}\nspec: {{{target}, {validation}}}"


HTTP, WILD = entry("http"), entry("tls", "'*.example.com'", port=443, protocol="HTTPS", more=tls("shown"))
NAMED, DEFAULT = "parentRefs: [{name: web}]", "useDefaultGateways: All"
APP = "backendRefs: [{name: app, port: 80}]"
CLOSED = "{type: ExtensionRef, extensionRef: {group: penstock.dev, kind: DirectResponse, name: closed}}"
ASK = "{type: ExternalAuth, externalAuth: {protocol: HTTP, http: {%s}, backendRef: {%s}}}"
OUT = f"group: {X}, kind: XBackend, name: out"

VARIANTS: dict[str, tuple[str, ...]] = {
    "class": (
        "kind: GatewayClass\nmetadata: {name: penstock}\nspec: {controllerName: penstock.dev/gateway-controller}",
        "kind: GatewayClass\nmetadata: {name: penstock}\nspec: {controllerName: example.com/other}",
    ),
    "web": (gateway("web", "", HTTP, WILD), gateway("web", "defaultScope: All, ", HTTP, WILD)),
    "next": (
        gateway("next", "defaultScope: All, ", entry("http", port=81)),
        gateway("next", "defaultScope: None, ", entry("http", port=81)),
        gateway("next", "defaultScope: All, ", entry("http", "a.example.com", port=81), HTTP),
    ),
    "set": (
        listener_set("set", entry("tls", "a.example.com", port=443, protocol="HTTPS", more=tls("shown"))),
        listener_set("set", entry("http", "a.example.com"), parent="{name: next}"),
    ),
    "plain": (
        route("plain", NAMED, f"{{{APP}}}"),
        route("plain", DEFAULT, f"{{{APP}}}"),
        route("plain", f"{NAMED}, {DEFAULT}, hostnames: [b.example.com]", f"{{{APP}}}"),
    ),
    "asking": (
        route("asking", NAMED, f"{{filters: [{ASK % ('', 'name: auth, port: 80')}], {APP}}}"),
        route("asking", DEFAULT, f"{{filters: [{ASK % ('path: /ask', OUT)}], {APP}}}"),
        route("asking", NAMED, f"{{filters: [{ASK % ('path: //', 'name: app, port: 80')}], {APP}}}"),
    ),
    "closing": (
        route("closing", NAMED, f"{{filters: [{CLOSED}]}}"),
        route("closing", DEFAULT, f"{{backendRefs: [{{name: app, port: 80, filters: [{CLOSED}]}}]}}"),
    ),
    "leaving": (
        route("leaving", NAMED, f"{{backendRefs: [{{{OUT}}}, {{name: app, port: 80, weight: 0}}]}}"),
        route("leaving", DEFAULT, f"{{backendRefs: [{{{OUT}, port: 80}}]}}"),
    ),
    "answer": (answer("{status: 503}"), answer("{status: 404, body: gone}"), answer("{status: 204, body: odd}")),
    "out": (
        xbackend(""),
        xbackend(", protocol: HTTP2, tls: {mode: ServerOnly}"),
        xbackend(", protocol: TCP"),
        xbackend(", tls: {mode: ClientAndServer, clientCertificateRef: {name: shown}}"),
    ),
    "app": (
        service("app", "{ports: [{port: 80, targetPort: 80}]}"),
        service("app", "{ports: [{port: 80, appProtocol: kubernetes.io/h2c}]}"),
        service("app", "{ports: [{port: 80, appProtocol: https}]}"),
        service("app", "{ports: [{port: 80, appProtocol: odd}]}"),
        service("app", "{type: ExternalName, externalName: app.example}"),
    ),
    "auth": (
        service("auth", "{ports: [{port: 80}]}"),
        service("auth", "{type: ExternalName, externalName: auth.example, ports: [{port: 80}]}"),
        service("auth", "{type: ExternalName, externalName: app.default.svc.cluster.local}"),
    ),
    "slice": tuple(
        f"""
kind: EndpointSlice
metadata: {{name: app-1, labels: {{kubernetes.io/service-name: app}}}}
addressType: {kind}
ports: [{{name: "", port: 8000}}]
endpoints: [{{addresses: [{address}]}}]
"""
        for kind, address in (("IPv4", "10.0.0.1"), ("IPv4", "10.0.0.2"), ("FQDN", "app.example"))
    ),
    "policy": (policy(""), policy(", generation: 2")),
    "ca": (
        f"kind: ConfigMap\nmetadata: {{name: ca}}\ndata: {json.dumps({'ca.crt': AUTHORITY})}",
        "kind: ConfigMap\nmetadata: {name: ca}\ndata: {ca.crt: odd}",
    ),
    "shown": (secret("*.example.com"), secret("b.example.com")),
}
"""Each object, and what it may be."""

OBJECTS: dict[str, tuple[Resource, ...]] = {
    name: tuple(item for text in texts for item in objects(text)) for name, texts in VARIANTS.items()
}
CHOICES = {name: st.sampled_from((None, *variants)) for name, variants in OBJECTS.items()}
WORLDS = st.fixed_dictionaries({name: st.sampled_from(variants) for name, variants in OBJECTS.items()})
CHANGES = st.lists(
    st.sampled_from(sorted(CHOICES)).flatmap(lambda name: st.tuples(st.just(name), CHOICES[name])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(WORLDS, CHANGES, st.booleans(), st.booleans())
def test_each_step_comes_to_what_starting_afresh_does(
    world: dict[str, Resource], changes: list[tuple[str, Resource | None]], names: bool, files: bool
) -> None:
    options = TranslateSettings(external_name=names, file_mode=files)
    last = translate(ResourceSet(world.values()), options)
    worker = apply(None, difference(None, last.snapshot))
    for name, item in changes:
        world = {**world, name: item} if item is not None else {at: world[at] for at in world if at != name}
        resources = ResourceSet(world.values())
        last, before = translate(resources, options, last), last
        says_the_same(last, translate(resources, options))
        worker = sent(worker, before.snapshot, last.snapshot)
        assert worker == last.snapshot


def says_the_same(one: Translation, other: Translation) -> None:
    """All but the generation; part by part, so that a failure names what differs."""
    assert one.snapshot == msgspec.structs.replace(other.snapshot, generation=one.snapshot.generation)
    assert one.statuses == other.statuses
    assert one.problems == other.problems
    assert one.wanted == other.wanted


def sent(worker: Snapshot, old: Snapshot, new: Snapshot) -> Snapshot:
    """What a worker has after it was told the difference."""
    return worker if new is old else apply(worker, decode_delta(encode_delta(difference(old, new))))


def test_no_two_variants_of_an_object_are_the_same() -> None:
    for variants in OBJECTS.values():
        assert len({msgspec.json.encode(item) for item in variants}) == len(variants)
        assert len({(type(item), item.key) for item in variants}) == 1
