"""Policies of a listener: who declares it, its certificate, how clients are checked, whom it believes, its limits."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from proxy.resources.duration import written
from proxy.resources.gateway import GROUP, Gateway
from proxy.resources.listenerset import ListenerSet
from proxy.snapshot.describe import text
from proxy.translate.explain.grants import permitted_by
from proxy.translate.explain.origins import default, named, option
from proxy.translate.explain.scene import Data, ListenerScene, Told
from proxy.translate.graph.clients import setting_of
from proxy.translate.graph.nodes import CertificateNode

Describer = Callable[[ListenerScene], "Told | None"]
"""None where there is nothing to say."""


def declared(scene: ListenerScene) -> Told:
    """By a Gateway, or by a ListenerSet of it."""
    listener, origins = scene.listener, scene.stage.origins
    owner = _owner(scene)
    found = [origins.of(owner, _field(scene, owner))]
    if owner is not scene.gateway.resource:
        found += [origins.of(owner, "spec.parentRef"), origins.of(scene.gateway.resource, "spec.allowedListeners")]
    hostname = listener.hostname or "every host"
    words = f"{listener.spec.protocol} on port {listener.spec.port} for {hostname}"
    data: Data = {"protocol": listener.spec.protocol, "port": listener.spec.port, "hostname": hostname}
    return Told("listener", words, data, tuple(found))


def certificate(scene: ListenerScene) -> Told | None:
    """The one that is shown to this client; of what it holds no more than everybody sees who connects."""
    served = scene.listener.certificates
    if not served:
        return None
    name = scene.stage.server_name.encode("ascii", "ignore")
    node = next((item for item in served if name and item.certificate.is_for(name)), served[0])
    owner = _owner(scene)
    ends = datetime.fromtimestamp(node.certificate.not_after, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    names = [text(one) for one in node.certificate.names]
    words = f"of Secret {node.secret}, for {', '.join(names) or 'no name'}, until {ends}"
    data: Data = {"secret": node.secret, "names": names, "not_after": ends}
    refers = scene.stage.origins.of(owner, f"{_field(scene, owner)}.tls.certificateRefs")
    return Told("certificate", words, data, (refers, named("Secret", node.secret), *_granted(scene, node)))


def _granted(scene: ListenerScene, node: CertificateNode) -> tuple[Data, ...]:
    owner, (namespace, _, name) = _owner(scene), node.secret.partition("/")
    grant = permitted_by(scene.stage, GROUP, owner.kind, owner.metadata.namespace, "", "Secret", namespace, name)
    return grant.origins if grant is not None else ()


def clients(scene: ListenerScene) -> Told | None:
    """spec.tls.frontend: the entry of the port, or the default."""
    setting = setting_of(scene.gateway.resource, scene.listener.spec.port)
    checked = scene.listener.clients
    if setting is None or not scene.listener.secure:
        return None
    origins = scene.stage.origins
    if checked is None:
        words = "asked for no certificate"
        return Told("clients", words, {"mode": None}, (origins.of(scene.gateway.resource, setting.field),))
    mode = "AllowInsecureFallback" if checked.insecure_fallback else "AllowValidOnly"
    without = "let in all the same" if checked.insecure_fallback else "kept out"
    maps = [item.config_map for item in checked.bundles]
    words = f"{mode}: those without a certificate by ConfigMap {', '.join(maps)} are {without}"
    origin = origins.of(scene.gateway.resource, f"{setting.field}.validation")
    return Told(
        "clients", words, {"mode": mode, "authorities": maps}, (origin, *(named("ConfigMap", one) for one in maps))
    )


def believed(scene: ListenerScene) -> Told:
    """Whose X-Forwarded-For counts."""
    trusted = scene.stage.wide.trusted_proxies
    if not trusted:
        return Told("trusted proxies", "nobody", {"networks": []}, (default("no --trusted-proxies"),))
    listed = ", ".join(trusted)
    return Told("trusted proxies", listed, {"networks": list(trusted)}, (option("--trusted-proxies", listed),))


def headers(scene: ListenerScene) -> Told | None:
    """proxyProtocol of the GatewayParameters that count for the Gateway."""
    asked = scene.gateway.parameters.proxy_protocol
    if asked is None:
        return None
    what = "have to begin" if asked.mode == "Required" else "may begin"
    words = f"{asked.mode}: connections of trusted proxies {what} with a header that names the client"
    return Told("proxy protocol", words, {"mode": asked.mode}, tuple(_parameters(scene)))


def _parameters(scene: ListenerScene) -> Iterator[Data]:
    """Who names the GatewayParameters that count, and these."""
    gateway, origins = scene.gateway.resource, scene.stage.origins
    infrastructure = gateway.spec.infrastructure
    ref = infrastructure.parameters_ref if infrastructure is not None else None
    if ref is not None:
        yield origins.of(gateway, "spec.infrastructure.parametersRef")
        yield named("GatewayParameters", f"{gateway.metadata.namespace}/{ref.name}")
        return
    owner = scene.stage.graph.declared.classes[gateway.spec.gateway_class_name].resource
    if owner is not None and owner.spec.parameters_ref is not None:
        yield origins.of(owner, "spec.parametersRef")
        yield named("GatewayParameters", f"{owner.spec.parameters_ref.namespace}/{owner.spec.parameters_ref.name}")


def limits(scene: ListenerScene) -> Told:
    """How much a client may send, and how long it may take to."""
    wide = scene.stage.wide
    data: Data = {
        "request_line": wide.limits.request_line,
        "head": wide.limits.head,
        "fields": wide.limits.field_count,
        "header_time": written(wide.header),
        "body_pause": written(wide.body),
    }
    words = (
        f"request line {data['request_line']} octets, head {data['head']} octets and {data['fields']} fields within"
        f" {data['header_time']}; any body, no pause over {data['body_pause']}"
    )
    return Told("limits", words, data, (default("of the gateway"),))


LISTENER_POLICIES: Mapping[str, Describer] = {
    "listener": declared,
    "certificate": certificate,
    "clients": clients,
    "trusted proxies": believed,
    "proxy protocol": headers,
    "limits": limits,
}
"""A row for each policy of a listener, in the order in which they are told."""


def _owner(scene: ListenerScene) -> Gateway | ListenerSet:
    """The object that declares it."""
    if scene.listener.listener_set is None:
        return scene.gateway.resource
    return scene.stage.graph.listener_sets.nodes[scene.listener.listener_set].resource


def _field(scene: ListenerScene, owner: Gateway | ListenerSet) -> str:
    names = [listener.name for listener in owner.spec.listeners]
    return f"spec.listeners[{names.index(scene.listener.spec.name)}]"
