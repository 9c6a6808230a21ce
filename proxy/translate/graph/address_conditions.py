"""What can be found about parameters and addresses; beside `conditions`, which says how these read."""

from collections.abc import Iterable

from proxy.resources.problem import Severity
from proxy.translate.graph.conditions import ACCEPTED, PROGRAMMED, Finding

NOT_ASSIGNED = "AddressNotAssigned"
NOT_USABLE = "AddressNotUsable"
NO_RESOURCES = "NoResources"


# --- parameters -------------------------------------------------------------------------------


def parameters_kind(field: str, group: str, kind: str) -> Finding:
    return _parameters(
        field,
        f"{kind}.{group} is not a kind of parameters that this version reads",
        "name a GatewayParameters of group penstock.dev, or remove parametersRef",
    )


def parameters_namespace(field: str) -> Finding:
    return _parameters(f"{field}.namespace", "a GatewayParameters lives in a namespace", "name it here")


def parameters_missing(field: str, key: str, hint: str) -> Finding:
    return _parameters(f"{field}.name", f"there is no GatewayParameters {key}", hint)


def parameters_of_class_only(field: str, key: str, part: str) -> Finding:
    message = f"GatewayParameters {key}: {part} concerns all Gateways, so only a GatewayClass may name such parameters"
    return _parameters(field, message, f"leave {part} out, or name the parameters in the GatewayClass")


def parameters_invalid(field: str, key: str, why: str) -> Finding:
    return _parameters(field, f"GatewayParameters {key} makes no sense: {why}", "mend it, and all that uses it follows")


def _parameters(field: str, message: str, hint: str) -> Finding:
    return Finding(ACCEPTED, "InvalidParameters", field, message, hint)


# --- addresses --------------------------------------------------------------------------------


def pool_exhausted(field: str, pool: Iterable[str]) -> Finding:
    return _programmed(
        NOT_ASSIGNED, field, f"no address is left in the pool {', '.join(pool)}", "add addresses to the pool"
    )


def address_taken(field: str, address: str) -> Finding:
    message = f"{address} is another Gateway's, from the pool"
    return _programmed(NOT_USABLE, field, message, "ask for one that is free, or leave the value out")


def cluster_only(way: str) -> Finding:
    message = f"spec.{way} of its GatewayParameters is made in a cluster only, and this configuration comes from files"
    return _programmed(NO_RESOURCES, "", message, "use spec.addresses.pool, or no parameters")


def no_image() -> Finding:
    message = "no image is known for the Gateway's own data plane"
    return _programmed(
        NO_RESOURCES, "", message, "set spec.deployment.image, or PENSTOCK_IMAGE where the controller runs"
    )


def no_service_yet(service: str) -> Finding:
    return _waiting(NOT_ASSIGNED, f"Service {service} is not there yet")


def name_taken(service: str) -> Finding:
    message = f"Service {service} is not Penstock's, so none is made of that name"
    return _programmed(NO_RESOURCES, "", message, "rename or delete that Service")


def no_address_yet(service: str) -> Finding:
    return _waiting(NOT_ASSIGNED, f"nothing has given Service {service} an address yet")


def not_running_yet(service: str) -> Finding:
    return _waiting(NO_RESOURCES, f"no Pod behind Service {service} is ready yet")


def address_not_given(field: str, address: str, service: str) -> Finding:
    message = f"the load balancer of Service {service} does not answer on {address}"
    return _programmed(NOT_USABLE, field, message, "ask for an address that it can have", severity="warning")


def one_static_address(field: str) -> Finding:
    message = "a Service of type LoadBalancer can ask for one address, and other types for none"
    return _programmed(NOT_USABLE, field, message, "keep one address, or use a pool")


def _waiting(reason: str, message: str) -> Finding:
    return _programmed(reason, "", message, severity="notice")


def _programmed(reason: str, field: str, message: str, hint: str = "", *, severity: Severity = "error") -> Finding:
    return Finding(PROGRAMMED, reason, field, message, hint, severity)
