"""Target ports: the same for all replicas, kept, and never two Gateways' at once."""

from proxy.resources.core import Service, ServicePort, ServiceSpec
from proxy.resources.meta import ObjectKey, ObjectMeta
from proxy.resources.parameters import PortRange
from proxy.translate.graph.target_ports import PortClaim, Ports, decide, standing

HTTP, MORE, UDP = (80, "TCP"), (81, "TCP"), (80, "UDP")


def service(ports: Ports) -> Service:
    listed = tuple(ServicePort(port, protocol=protocol, target_port=at) for (port, protocol), at in ports.items())  # type: ignore[arg-type]
    return Service("v1", "Service", ObjectMeta("s", "ns"), ServiceSpec(listed))


def claim(name: str, *declared: tuple[int, str], said: Ports | None = None, last: int = 20009) -> PortClaim:
    return PortClaim(ObjectKey("ns", name), declared, PortRange(20000, last), None if said is None else service(said))


def decided(*claims: PortClaim, before: dict[str, Ports] | None = None) -> dict[str, Ports]:
    memory = {ObjectKey("ns", name): ports for name, ports in (before or {}).items()}
    return {key.name: ports for key, ports in decide(claims, standing(claims), memory).items()}


def bound(*claims: PortClaim) -> dict[str, Ports]:
    return {key.name: ports for key, ports in standing(claims).items()}


def test_the_lowest_free_port() -> None:
    assert decided(claim("a", HTTP, UDP), claim("b", HTTP)) == {"a": {HTTP: 20000, UDP: 20001}, "b": {HTTP: 20002}}


def test_nothing_is_bound_before_the_service_says_so() -> None:
    assert bound(claim("a", HTTP)) == {"a": {}}
    assert bound(claim("a", HTTP, said={})) == {"a": {}}
    assert bound(claim("a", HTTP, said={HTTP: 20007})) == {"a": {HTTP: 20007}}


def test_what_the_service_says_is_kept_and_the_rest_filled_around_it() -> None:
    claims = claim("a", MORE, HTTP), claim("b", HTTP, said={HTTP: 20000})
    assert decided(*claims) == {"a": {MORE: 20001, HTTP: 20002}, "b": {HTTP: 20000}}


def test_what_was_decided_counts_until_the_service_has_come_back() -> None:
    first = decided(claim("b", HTTP))
    assert decided(claim("a", HTTP), claim("b", HTTP), before=first) == {"a": {HTTP: 20001}, "b": {HTTP: 20000}}


def test_another_replicas_service_counts_more_than_what_was_decided_here() -> None:
    claims = claim("a", HTTP, said={HTTP: 20005}), claim("b", HTTP)
    assert decided(*claims, before={"a": {HTTP: 20000}, "b": {HTTP: 20005}}) == {
        "a": {HTTP: 20005}, "b": {HTTP: 20000},
    }  # fmt: skip


def test_of_two_services_with_one_target_the_senior_keeps_it() -> None:
    claims = claim("a", HTTP, said={HTTP: 20003}), claim("b", HTTP, said={HTTP: 20003})
    assert bound(*claims) == {"a": {HTTP: 20003}, "b": {}}
    assert decided(*claims) == {"a": {HTTP: 20003}, "b": {HTTP: 20000}}


def test_a_port_that_is_no_listeners_any_more_is_not_bound() -> None:
    assert bound(claim("a", HTTP, said={HTTP: 20000, MORE: 20001})) == {"a": {HTTP: 20000}}


def test_a_new_range_moves_what_lies_outside_while_the_old_is_served() -> None:
    moved = claim("a", HTTP, said={HTTP: 30000})
    assert bound(moved) == {"a": {HTTP: 30000}}
    assert decided(moved) == {"a": {HTTP: 20000}}


def test_a_range_runs_out() -> None:
    assert decided(claim("a", HTTP, MORE, last=20000)) == {"a": {HTTP: 20000}}
