"""Statuses exactly as the API server takes them."""

from proxy.translate.features import SUPPORTED_FEATURES
from tests.translate.declare import APP, WEB, entry, listener_set, route, status, translated

CLASS = """
kind: GatewayClass
metadata: {name: penstock, generation: 2}
spec: {controllerName: penstock.dev/gateway-controller}
"""
ROUTE = """
kind: HTTPRoute
metadata: {name: r, generation: 5}
spec:
  parentRefs: [{name: web, namespace: default, sectionName: http, port: 80}, {group: "", kind: Service, name: mesh}]
  rules: [{backendRefs: [{name: gone, port: 80}]}]
"""


def test_http_route() -> None:
    assert status(translated(WEB, ROUTE), "HTTPRoute", "r") == {
        "parents": [
            {
                "parentRef": {
                    "group": "gateway.networking.k8s.io",
                    "kind": "Gateway",
                    "name": "web",
                    "namespace": "default",
                    "sectionName": "http",
                    "port": 80,
                },
                "controllerName": "penstock.dev/gateway-controller",
                "conditions": [
                    {
                        "type": "Accepted",
                        "status": "True",
                        "reason": "Accepted",
                        "message": "attached to listener http",
                        "observedGeneration": 5,
                    },
                    {
                        "type": "ResolvedRefs",
                        "status": "False",
                        "reason": "BackendNotFound",
                        "message": "spec.rules[0].backendRefs[0].name: there is no Service default/gone "
                        "(nothing declares any Services of namespace default)",
                        "observedGeneration": 5,
                    },
                ],
            }
        ]
    }


def test_gateway() -> None:
    rules = "[{backendRefs: [{group: penstock.dev, kind: Backend, name: app}]}]"
    found = status(translated(WEB, APP, route(rules), address="127.0.0.1"), "Gateway", "web")
    assert [(item["type"], item["status"], item["reason"]) for item in found["conditions"]] == [
        ("Accepted", "True", "Accepted"),
        ("Programmed", "True", "Programmed"),
        ("ResolvedRefs", "True", "ResolvedRefs"),
    ]
    assert found["addresses"] == [{"type": "IPAddress", "value": "127.0.0.1"}]
    (listener,) = found["listeners"]
    assert listener["name"] == "http"
    assert listener["attachedRoutes"] == 1
    assert listener["supportedKinds"] == [
        {"group": "gateway.networking.k8s.io", "kind": kind} for kind in ("HTTPRoute", "GRPCRoute")
    ]
    assert [(item["type"], item["status"], item["reason"]) for item in listener["conditions"]] == [
        ("Accepted", "True", "Accepted"),
        ("Programmed", "True", "Programmed"),
        ("ResolvedRefs", "True", "ResolvedRefs"),
        ("Conflicted", "False", "NoConflicts"),
    ]


def test_listener_set() -> None:
    allowing = WEB.replace("spec:", "spec:\n  allowedListeners: {namespaces: {from: Same}}")
    added = listener_set("added", entry("http", "a.example.com"), meta=", generation: 4")
    outcome = translated(allowing, added, ROUTE.replace("name: web,", "name: added, kind: ListenerSet,"))
    assert status(outcome, "ListenerSet", "added") == {
        "conditions": [
            good("Accepted", "its listeners are added to the Gateway"),
            good("Programmed", "its listeners are handed to the data plane"),
        ],
        "listeners": [
            {
                "name": "http",
                "supportedKinds": [
                    {"group": "gateway.networking.k8s.io", "kind": kind} for kind in ("HTTPRoute", "GRPCRoute")
                ],
                "attachedRoutes": 1,
                "conditions": [
                    good("Accepted", "the listener is sound"),
                    good("Programmed", "the listener is handed to the data plane"),
                    good("ResolvedRefs", "all references are resolved"),
                    good("Conflicted", "no other listener is in its way")
                    | {"status": "False", "reason": "NoConflicts"},
                ],
            }
        ],
    }
    assert status(outcome, "Gateway", "web")["attachedListenerSets"] == 1


def good(kind: str, message: str) -> dict[str, object]:
    return {"type": kind, "status": "True", "reason": kind, "message": message, "observedGeneration": 4}


def test_gateway_class() -> None:
    found = status(translated(CLASS), "GatewayClass", "penstock")
    assert found["conditions"] == [
        {
            "type": "Accepted",
            "status": "True",
            "reason": "Accepted",
            "message": "Penstock serves this class",
            "observedGeneration": 2,
        }
    ]
    assert found["supportedFeatures"] == [{"name": name} for name in sorted(SUPPORTED_FEATURES)]
    assert list(SUPPORTED_FEATURES) == sorted(set(SUPPORTED_FEATURES))
