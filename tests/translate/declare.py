"""Resources for tests, written as YAML, without the validation that sources do first.

What a source would refuse must not break translation either: an API server may be older or laxer.
"""

from typing import Any

import msgspec
import yaml

from proxy.resources.kinds import KINDS
from proxy.resources.meta import Resource
from proxy.resources.store import ResourceSet
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate

DEFAULTS = {
    "Gateway": "gateway.networking.k8s.io/v1",
    "GatewayClass": "gateway.networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "TCPRoute": "gateway.networking.k8s.io/v1",
    "TLSRoute": "gateway.networking.k8s.io/v1",
    "UDPRoute": "gateway.networking.k8s.io/v1",
    "GRPCRoute": "gateway.networking.k8s.io/v1",
    "ListenerSet": "gateway.networking.k8s.io/v1",
    "BackendTLSPolicy": "gateway.networking.k8s.io/v1",
    "XBackendTrafficPolicy": "gateway.networking.x-k8s.io/v1alpha1",
    "ReferenceGrant": "gateway.networking.k8s.io/v1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "Backend": "penstock.dev/v1alpha1",
}

WEB = """
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: penstock
  listeners: [{name: http, protocol: HTTP, port: 80}]
"""

APP = """
kind: Backend
metadata: {name: app}
spec: {endpoints: [{host: 127.0.0.1, port: 9000}]}
"""


def objects(text: str) -> list[Resource]:
    """Every document; apiVersion and namespace may be left out."""
    return [_object(value) for value in yaml.safe_load_all(text) if value]


def _object(value: dict[str, Any]) -> Resource:
    value.setdefault("apiVersion", DEFAULTS.get(value["kind"], "v1"))
    model = KINDS[value["apiVersion"].rpartition("/")[0], value["kind"]].model
    if model.namespaced:
        value["metadata"].setdefault("namespace", "default")
    return msgspec.convert(value, model)


def declare(*texts: str) -> ResourceSet:
    return ResourceSet([item for text in texts for item in objects(text)])


def translated(*texts: str, **settings: Any) -> Translation:
    return translate(declare(*texts), TranslateSettings(**settings))


def route(rules: str, *, name: str = "r", more: str = "") -> str:
    """An HTTPRoute of Gateway web; `rules` is flow YAML."""
    return f"""
kind: HTTPRoute
metadata: {{name: {name}}}
spec: {{parentRefs: [{{name: web}}], rules: {rules}{more}}}
"""


def entry(name: str, hostname: str = "", *, port: int = 80, protocol: str = "HTTP", more: str = "") -> str:
    """One listener of a Gateway or ListenerSet."""
    host = f", hostname: {hostname}" if hostname else ""
    return f"{{name: {name}, protocol: {protocol}, port: {port}{host}{more}}}"


def listener_set(name: str, *entries: str, parent: str = "{name: web}", meta: str = "") -> str:
    """A ListenerSet of Gateway web; `meta` is more flow YAML of its metadata, and begins with a comma."""
    return f"""
kind: ListenerSet
metadata: {{name: {name}{meta}}}
spec: {{parentRef: {parent}, listeners: [{", ".join(entries)}]}}
"""


def status(translation: Translation, kind: str, name: str) -> dict[str, Any]:
    """The status of an object of namespace default (or of none)."""
    return next(item.status for item in translation.statuses if item.kind == kind and item.key.name == name)


def condition(conditions: list[dict[str, Any]], kind: str) -> tuple[str, str]:
    """(status, reason) of one condition."""
    return next((item["status"], item["reason"]) for item in conditions if item["type"] == kind)


def listener_conditions(translation: Translation, kind: str, name: str, listener: str) -> list[dict[str, Any]]:
    """Those of one listener of a Gateway or ListenerSet."""
    found = {item["name"]: item["conditions"] for item in status(translation, kind, name)["listeners"]}
    conditions: list[dict[str, Any]] = found[listener]
    return conditions


def route_condition(translation: Translation, kind: str, name: str = "r") -> tuple[str, str]:
    return condition(status(translation, "HTTPRoute", name)["parents"][0]["conditions"], kind)
