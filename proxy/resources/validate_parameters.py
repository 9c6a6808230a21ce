"""GatewayParameters: one way to an address at most, and pools and port ranges that make sense."""

from collections.abc import Iterator

from proxy.resources.parameters import AddressPool, GatewayParameters, PortRange, ServiceParameters
from proxy.resources.problem import Finding, Path
from proxy.resources.ranges import EXPECTED, parse_range

WAYS = ("addresses", "service", "deployment")
MANAGED = frozenset({"--only-gateway", "--status-updates", "--metrics"})
"""Options of a dedicated data plane that its maker sets."""


def validate_parameters(parameters: GatewayParameters) -> Iterator[Finding]:
    """Also asked by translation: an API server may be older or laxer than this."""
    spec = parameters.spec
    chosen = [way for way in WAYS if getattr(spec, way) is not None]
    for way in chosen[1:]:
        hint = f"keep one of {', '.join(chosen)}"
        yield Finding(("spec", way), f"not allowed beside spec.{chosen[0]}", hint, at_key=True)
    if spec.addresses is not None:
        yield from _pool(spec.addresses)
    if spec.service is not None:
        yield from _ports(spec.service.target_ports)
        yield from _service(spec.service, ("spec", "service"))
    if spec.deployment is not None:
        yield from _service(spec.deployment.service, ("spec", "deployment", "service"))
        yield from _args(spec.deployment.args)


def _pool(addresses: AddressPool) -> Iterator[Finding]:
    for index, entry in enumerate(addresses.pool):
        try:
            parse_range(entry)
        except ValueError as error:
            yield Finding(("spec", "addresses", "pool", index), str(error), EXPECTED)


def _ports(ports: PortRange) -> Iterator[Finding]:
    if ports.last < ports.first:
        yield Finding(("spec", "service", "targetPorts", "last"), f"{ports.last} is before first, {ports.first}")


def _service(service: ServiceParameters, path: Path) -> Iterator[Finding]:
    """What the API server would refuse in the Service."""
    if service.type != "LoadBalancer" and service.load_balancer_class is not None:
        yield Finding((*path, "loadBalancerClass"), f"not allowed with type {service.type}", at_key=True)
    if service.type == "ClusterIP" and service.external_traffic_policy is not None:
        yield Finding((*path, "externalTrafficPolicy"), "not allowed with type ClusterIP", at_key=True)


def _args(args: tuple[str, ...]) -> Iterator[Finding]:
    for index, arg in enumerate(args):
        option = arg.partition("=")[0]
        if option in MANAGED:
            yield Finding(("spec", "deployment", "args", index), f"{option} is set by the controller", "leave it out")
