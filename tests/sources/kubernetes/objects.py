"""Objects as an API server has them."""

from typing import Any

Raw = dict[str, Any]


def made(api_version: str, kind: str, name: str, namespace: str = "default", **rest: Any) -> Raw:
    meta: Raw = {"name": name, "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **rest}


def gateway_class() -> Raw:
    spec = {"controllerName": "penstock.dev/gateway-controller"}
    return made("gateway.networking.k8s.io/v1", "GatewayClass", "penstock", "", spec=spec)


def gateway(name: str = "edge", port: int = 8080, **rest: Any) -> Raw:
    spec = {"gatewayClassName": "penstock", "listeners": [{"name": "http", "protocol": "HTTP", "port": port}]}
    return made("gateway.networking.k8s.io/v1", "Gateway", name, spec=spec, **rest)


def route(name: str, path: str = "/", namespace: str = "default", **rest: Any) -> Raw:
    rule = {"matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": [{"name": "app", "port": 80}]}
    spec = {"parentRefs": [{"name": "edge"}], "rules": [rule]}
    return made("gateway.networking.k8s.io/v1", "HTTPRoute", name, namespace, spec=spec, **rest)


def service(name: str = "app") -> Raw:
    return made("v1", "Service", name, spec={"ports": [{"port": 80}], "clusterIP": "10.96.0.7"})


def endpoints(port: int, name: str = "app") -> Raw:
    raw = made("discovery.k8s.io/v1", "EndpointSlice", f"{name}-1")
    raw["metadata"]["labels"] = {"kubernetes.io/service-name": name}
    raw.update(addressType="IPv4", ports=[{"name": "", "port": port}], endpoints=[{"addresses": ["127.0.0.1"]}])
    return raw


def secret(name: str, namespace: str = "default") -> Raw:
    return made("v1", "Secret", name, namespace, type="Opaque", data={"a": "Yg=="})
