"""The PROXY protocol as it is declared: which backends are told whose a connection is, and who is asked the same."""

from collections.abc import Iterator
from typing import Literal

from proxy.protocol.proxy_protocol import Version
from proxy.resources.core import Service
from proxy.resources.gateway import Gateway
from proxy.resources.own import PROXY_PROTOCOL, Backend
from proxy.resources.parameters import GatewayParametersSpec
from proxy.translate.graph import proxy_protocol_conditions as c
from proxy.translate.graph.conditions import Broken, Finding
from proxy.translate.settings import TranslateSettings

VERSIONS: dict[str, Version] = {"v1": "v1", "v2": "v2"}
OPTION = "--trusted-proxies"


def header_to(resource: Service | Backend) -> Version | Literal[""]:
    """What connections there begin with, where `why_not_told` has nothing against it."""
    return VERSIONS.get((_declared(resource) or "").lower(), "")


def why_not_told(resource: Service | Backend, speaks: str) -> Broken | None:
    """Why the backend cannot be used as it wants to be told whose a connection is. It is never spoken to without.

    `speaks`: as BackendKey has it.
    """
    declared = _declared(resource)
    if declared is None:
        return None
    what = f"{resource.kind} {resource.key}"
    if not header_to(resource):
        return c.unknown_version(str(resource.key), declared)
    if speaks == "udp":
        return c.no_datagrams(what)
    return None if speaks in ("tcp", "raw") else c.shared_by_requests(what)


def _declared(resource: Service | Backend) -> str | None:
    if isinstance(resource, Backend):
        return resource.spec.proxy_protocol
    return resource.metadata.annotations.get(PROXY_PROTOCOL)


def header_advice(gateway: Gateway, spec: GatewayParametersSpec, settings: TranslateSettings) -> Iterator[Finding]:
    """What a Gateway that asks for headers hardly means. `spec`: its parameters, or those of its class."""
    if spec.proxy_protocol is None:
        return
    infrastructure = gateway.spec.infrastructure
    own = infrastructure is not None and infrastructure.parameters_ref is not None
    if not _trusts_anybody(spec, settings):
        option = OPTION if spec.deployment is None else f"{OPTION} among spec.deployment.args"
        yield c.nobody_asked("spec.infrastructure.parametersRef" if own else "spec.gatewayClassName", option)
    if spec.proxy_protocol.mode == "Optional":
        for i, listener in enumerate(gateway.spec.listeners):
            if listener.protocol == "TCP":
                yield c.silent_first(f"spec.listeners[{i}].protocol")


def _trusts_anybody(spec: GatewayParametersSpec, settings: TranslateSettings) -> bool:
    """Where the Gateway is served: here, or by a data plane of its own, which has its own options."""
    if spec.deployment is None or settings.only_gateway:
        return bool(settings.trusted_proxies)
    return any(argument.partition("=")[0] == OPTION for argument in spec.deployment.args)
