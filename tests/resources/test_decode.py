"""From values to models: kinds, versions, lists, namespaces, defaults."""

import pytest

from proxy.resources.core import Namespace, Service
from proxy.resources.decode import decode_document
from proxy.resources.gateway import AllowedRoutes, Gateway
from proxy.resources.httproute import HTTPPathMatch, HTTPRoute, HTTPRouteMatch, HTTPRouteRule
from proxy.sources.yamltext import parse_yaml
from tests.resources.yamlset import decode, findings, hints

ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
"""


def test_what_a_file_leaves_out_is_as_the_crd_has_it() -> None:
    item = decode(ROUTE + "spec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: s, port: 80}]}]}").item
    assert isinstance(item, HTTPRoute)
    assert item.metadata.namespace == "default"
    (parent,) = item.spec.parent_refs
    assert (parent.group, parent.kind) == ("gateway.networking.k8s.io", "Gateway")
    (rule,) = item.spec.rules
    assert rule.matches == (HTTPRouteMatch(path=HTTPPathMatch(type="PathPrefix", value="/")),)
    (ref,) = rule.backend_refs
    assert (ref.group, ref.kind, ref.weight) == ("", "Service", 1)


def test_a_route_without_rules_has_one_that_matches_everything() -> None:
    item = decode(ROUTE + "spec: {}").item
    assert isinstance(item, HTTPRoute)
    assert item.spec.rules == (HTTPRouteRule(),)


def test_the_listener_defaults() -> None:
    item = decode("""
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: g, namespace: infra}
        spec: {gatewayClassName: penstock, listeners: [{name: http, port: 80, protocol: HTTP}]}
    """).item
    assert isinstance(item, Gateway)
    assert item.metadata.namespace == "infra"
    assert item.spec.listeners[0].allowed_routes == AllowedRoutes()
    assert item.spec.listeners[0].allowed_routes.namespaces.from_ == "Same"


def test_null_is_as_good_as_absent() -> None:
    item = decode(ROUTE + "spec: {hostnames: null, rules: [{filters: null, matches: [{headers: }]}]}").item
    assert isinstance(item, HTTPRoute)
    assert item.spec.hostnames == ()


def test_null_is_not_good_enough_for_what_is_required() -> None:
    assert findings(ROUTE + "spec: {parentRefs: [{name: null}]}") == [
        ("spec.parentRefs[0].name", "required, but missing")
    ]


def test_status_is_not_ours_to_read() -> None:
    item = decode(ROUTE + "spec: {}\nstatus: {parents: [{nonsense: true}]}").item
    assert isinstance(item, HTTPRoute)
    assert item.status is None


def test_what_kubectl_get_adds_is_no_mistake() -> None:
    item = decode("""
        apiVersion: v1
        kind: Service
        metadata:
          name: web
          namespace: shop
          uid: 1-2-3
          resourceVersion: "17"
          generation: 3
          creationTimestamp: "2026-01-01T00:00:00Z"
          managedFields: [{manager: kubectl}]
          ownerReferences: []
        spec:
          clusterIP: 10.0.0.1
          clusterIPs: [10.0.0.1]
          internalTrafficPolicy: Cluster
          ipFamilies: [IPv4]
          ipFamilyPolicy: SingleStack
          ports: [{name: http, port: 80, protocol: TCP, targetPort: http, appProtocol: kubernetes.io/h2c}]
          sessionAffinity: None
          type: ClusterIP
        status: {loadBalancer: {}}
    """).item
    assert isinstance(item, Service)
    assert item.spec.ports[0].target_port == "http"
    assert item.metadata.creation_timestamp == "2026-01-01T00:00:00Z"


def test_a_cluster_scoped_kind_has_no_namespace() -> None:
    decoded = decode("{apiVersion: v1, kind: Namespace, metadata: {name: shop, namespace: x, labels: {a: b}}}")
    assert isinstance(decoded.item, Namespace)
    assert decoded.item.key == ("", "shop")
    assert [finding.severity for finding in decoded.findings] == ["warning"]


@pytest.mark.parametrize(
    ("head", "field", "message", "hint"),
    [
        ("apiVersion: v1\nkind: Servce", "kind", "no kind Servce in the core group (v1)", "did you mean Service?"),
        ("apiVersion: v1\nkind: HTTPRoute", "kind", "no kind HTTPRoute in the core group (v1)",
         "use apiVersion: gateway.networking.k8s.io/v1"),
        ("apiVersion: gateway.networking.k8s.io/v1\nkind: HttpRoute", "kind",
         "no kind HttpRoute in gateway.networking.k8s.io", "did you mean HTTPRoute?"),
        ("apiVersion: gateway.networking.k8s.io/v1alpha2\nkind: HTTPRoute", "apiVersion",
         "HTTPRoute is not served in version v1alpha2", "use apiVersion: gateway.networking.k8s.io/v1"),
        ("apiVersion: gateway.networking.k8s.oi/v1\nkind: HTTPRoute", "apiVersion",
         "no API group gateway.networking.k8s.oi", "did you mean gateway.networking.k8s.io?"),
        ("apiVersion: penstock.dev/v1alpha1\nkind: Bakend", "kind", "no kind Bakend in penstock.dev",
         "did you mean Backend?"),
        ("apiVersion: penstock.dev/v1\nkind: Backend", "apiVersion", "Backend is not served in version v1",
         "use apiVersion: penstock.dev/v1alpha1"),
        ("kind: HTTPRoute", "apiVersion", "required, but missing",
         "an object begins with apiVersion, kind, metadata and spec"),
        ("apiVersion: v1", "kind", "required, but missing",
         "an object begins with apiVersion, kind, metadata and spec"),
        ("apiVersion: 1\nkind: Service", "apiVersion", "got 1 (integer), want text", ""),
    ],
)  # fmt: skip
def test_a_mistaken_kind_is_an_error_that_knows_what_was_meant(head: str, field: str, message: str, hint: str) -> None:
    text = f"{head}\nmetadata: {{name: x}}\n"
    assert findings(text) == [(field, message)]
    assert hints(text) == [hint]
    assert decode(text).item is None


def test_a_kind_that_resembles_nothing_lists_what_there_is() -> None:
    (hint,) = hints("{apiVersion: discovery.k8s.io/v1, kind: Zzz, metadata: {name: x}}")
    assert hint == "known here: EndpointSlice"


@pytest.mark.parametrize(
    ("api_version", "kind", "why"),
    [
        ("apps/v1", "Deployment", "not ours"),
        ("autoscaling/v2", "HorizontalPodAutoscaler", "not ours"),
        ("networking.istio.io/v1", "Gateway", "not ours"),
        ("serving.knative.dev/v1", "Service", "not ours"),
        ("v1", "ServiceAccount", "not ours"),
        ("networking.k8s.io/v1", "NetworkPolicy", "not ours"),
        ("gateway.networking.x-k8s.io/v1alpha1", "XMesh", "not yet"),
        ("networking.k8s.io/v1", "Ingress", "not yet"),
        ("penstock.dev/v1alpha1", "RateLimit", "not yet"),
    ],
)
def test_other_kinds_are_skipped(api_version: str, kind: str, why: str) -> None:
    decoded = decode(f"{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: x}}, spec: {{a: 1}}}}")
    assert (decoded.skipped, decoded.findings, decoded.item) == (why, (), None)


@pytest.mark.parametrize("value", ["just text", "12", "[a, b]", "true"])
def test_what_is_no_object_says_what_one_is(value: str) -> None:
    (finding,) = decode(value).findings
    assert "want an object" in finding.message
    assert finding.hint.startswith("an object begins with apiVersion")


LISTS = {
    "v1 List": "{apiVersion: v1, kind: List, items: [%s]}",
    "typed list": "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRouteList, metadata: {}, items: [%s]}",
}
ENTRY = "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: %s}, spec: {}}"


@pytest.mark.parametrize("form", LISTS)
def test_the_entries_of_a_list_are_objects(form: str) -> None:
    text = LISTS[form] % ", ".join(ENTRY % name for name in ("a", "b"))
    decoded = list(decode_document(parse_yaml(text)))
    assert [(item.name, item.at, item.findings) for item in decoded] == [
        ("a", ("items", 0), ()),
        ("b", ("items", 1), ()),
    ]


def test_entries_of_a_typed_list_need_not_repeat_its_type() -> None:
    text = "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRouteList, items: [{metadata: {name: a}, spec: {}}]}"
    (only,) = decode_document(parse_yaml(text))
    assert isinstance(only.item, HTTPRoute)


def test_a_bad_entry_leaves_the_others_alone() -> None:
    text = LISTS["v1 List"] % ", ".join([ENTRY % "a", "12", ENTRY % "b"])
    decoded = list(decode_document(parse_yaml(text)))
    assert [item.item is not None for item in decoded] == [True, False, True]


def test_the_identity_of_a_bad_object_is_read_as_far_as_it_goes() -> None:
    decoded = decode(ROUTE + "spec: 12")
    assert (decoded.model, decoded.kind, decoded.namespace, decoded.name) == (
        HTTPRoute, "HTTPRoute", "default", "web"
    )  # fmt: skip
    assert decode("{apiVersion: v1, kind: Service, metadata: 3}").name == ""
