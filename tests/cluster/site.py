"""The objects of scenarios: Gateways, routes, certificates; and what their statuses say."""

import base64
import ssl
from collections.abc import Mapping

from tests.certificates import Pair, pair
from tests.conformance import network
from tests.conformance.client import Object
from tests.conformance.session import Cluster

API = "gateway.networking.k8s.io/v1"
HTTP = {"name": "http", "protocol": "HTTP", "port": 80}


def gateway(namespace: str, name: str = "web", *more: Object, **spec: object) -> Object:
    """With a listener `http` on port 80, and more of them."""
    wanted = {"gatewayClassName": "penstock", "listeners": [HTTP, *more], **spec}
    return {"apiVersion": API, "kind": "Gateway", "metadata": {"name": name, "namespace": namespace}, "spec": wanted}


def https(*secrets: str, name: str = "https", **more: object) -> Object:
    references = [{"name": secret} for secret in secrets]
    return {"name": name, "protocol": "HTTPS", "port": 443, "tls": {"certificateRefs": references}, **more}


def route(
    namespace: str, name: str, path: str = "/", host: str = "", parent: str = "web", service: str = "mirror"
) -> Object:
    """From a Gateway to a Service."""
    rules = [{"matches": [{"path": {"value": path}}], "backendRefs": [{"name": service, "port": 80}]}]
    spec = {"parentRefs": [{"name": parent}], "rules": rules} | ({"hostnames": [host]} if host else {})
    return {"apiVersion": API, "kind": "HTTPRoute", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def redirect(namespace: str, name: str, path: str, host: str = "", parent: str = "web") -> Object:
    """From a Gateway to https; it needs nobody behind it."""
    made = route(namespace, name, path, host, parent)
    [rule] = made["spec"]["rules"]
    del rule["backendRefs"]
    rule["filters"] = [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}]
    return made


def policy(namespace: str, name: str, service: str) -> tuple[Object, Object]:
    """A BackendTLSPolicy about a Service, and the ConfigMap of the same name that holds its CA."""
    target = {"group": "", "kind": "Service", "name": service}
    validation = {
        "hostname": "backend.example",
        "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": name}],
    }
    metadata = {"name": name, "namespace": namespace}
    return (
        {
            "apiVersion": API,
            "kind": "BackendTLSPolicy",
            "metadata": metadata,
            "spec": {"targetRefs": [target], "validation": validation},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"ca.crt": certificate("backend.example").chain.decode()},
        },
    )


def traffic_policy(namespace: str, name: str, service: str, **more: object) -> Object:
    """An XBackendTrafficPolicy about a Service, with a retry budget as it is by default."""
    target = {"group": "", "kind": "Service", "name": service}
    return {
        "apiVersion": "gateway.networking.x-k8s.io/v1alpha1",
        "kind": "XBackendTrafficPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"targetRefs": [target], "retryConstraint": {}, **more},
    }


def secret(namespace: str, name: str, chain: Pair) -> Object:
    data = {"tls.crt": chain.chain, "tls.key": chain.key}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name, "namespace": namespace},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def trusting(*pairs: Pair) -> ssl.SSLContext:
    return ssl.create_default_context(cadata="\n".join(each.chain.decode() for each in pairs))


def certificate(name: str, number: int = 0) -> Pair:
    return pair(name, number=number)


def condition(item: Object, kind: str) -> Mapping[str, object]:
    """Of the object itself, or for a route of its first parent; empty when it has none of that type."""
    status = item.get("status") or {}
    holder = status["parents"][0] if status.get("parents") else status
    return next((each for each in holder.get("conditions") or () if each["type"] == kind), {})


def says(item: Object, kind: str, status: str = "True") -> bool:
    """Of the generation that the object has."""
    found = condition(item, kind)
    at = found.get("observedGeneration")
    return found.get("status") == status and at == item["metadata"].get("generation")


def events(cluster: Cluster, namespace: str, reason: str) -> list[Object]:
    """The Events of a namespace that have this reason."""
    listed = cluster.client.get(f"/api/v1/namespaces/{namespace}/events")
    assert listed is not None
    return [each for each in listed["items"] if each["reason"] == reason]


def address_of(cluster: Cluster, item: Object, patience: float = 60.0) -> str:
    """Of a Gateway, once it is Programmed."""
    path = cluster.client.path_of(item)
    found = cluster.client.wait_for(path, lambda now: says(now, "Programmed"), patience)
    return str(found["status"]["addresses"][0]["value"])


def status_of(cluster: Cluster, address: str, host: str, path: str = "/") -> int:
    """What a request on port 80 is answered with."""
    return cluster.fetch(address, 80, path, {"Host": host}).status


def presented(cluster: Cluster, address: str, host: str) -> Pair | None:
    """Which of the pairs that were made for that host is presented; None for another one."""
    with network.connect(cluster.place, (address, 443), 10) as plain:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(plain, server_hostname=host) as secure:
            shown = ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True) or b"")
    found = (pair(host, number=number) for number in range(4))
    return next((each for each in found if each.chain.decode().strip() == shown.strip()), None)
