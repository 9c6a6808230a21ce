"""What is bound: a plan from (Gateway address, declared port) to (address, bound port).

Gateways may share an address and port as long as their hostnames tell them apart, and all ask alike whose a connection
is (PROXY protocol), which is said before any name. Where they do not, the more senior Gateway keeps its listener;
within a Gateway (two declared ports mapped to one) the first.
All Gateways' own listeners come before those of ListenerSets, so that nobody's set can take a socket from a
Gateway; among ListenerSets the more senior comes first.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from proxy.resources.meta import ObjectKey
from proxy.snapshot.snapshot import ProxyHeaders, Transport
from proxy.translate.graph import conditions as c
from proxy.translate.graph.conditions import Finding
from proxy.translate.graph.listeners import PROTOCOLS
from proxy.translate.graph.listenerset_conditions import port_unavailable as entry_port_unavailable
from proxy.translate.graph.listenersets import named_to
from proxy.translate.graph.nodes import BindNode, GatewayNode, ListenerNode, ListenerSetNode
from proxy.translate.graph.proxy_protocol_conditions import other_headers

Socket = tuple[str, int, Transport]
"""Address, bound port, TCP or UDP."""


class Plan:
    """Sockets given out so far, in order of seniority."""

    def __init__(self, port_map: Mapping[int, int]) -> None:
        self._port_map = port_map
        self._sockets: dict[Socket, dict[str, ListenerNode]] = {}
        """Who listens there, by hostname."""
        self._headers: dict[Socket, ProxyHeaders] = {}

    def claim(
        self,
        index: int,
        node: ListenerNode,
        addresses: tuple[str, ...],
        port: int | None = None,
        headers: ProxyHeaders = "",
    ) -> Finding | None:
        """Takes the sockets of a listener, all or none; says who has one of them.

        `port` is what the Gateway's own plan binds; without one --map-port decides. `headers`: what it asks for.
        """
        bound = self._port_map.get(node.spec.port, node.spec.port) if port is None else port
        headers = headers if node.transport == "TCP" else ""
        wanted = [(address, bound, node.transport) for address in addresses]
        for socket in wanted:
            refusal = self._refusal(f"spec.listeners[{index}]", socket, node, headers)
            if refusal is not None:
                return refusal
        for socket in wanted:
            self._sockets.setdefault(socket, {})[node.hostname] = node
            self._headers[socket] = headers
        return None

    def _refusal(self, field: str, socket: Socket, node: ListenerNode, headers: ProxyHeaders) -> Finding | None:
        held = self._sockets.get(socket, {})
        holder = _in_the_way(held, node)
        if holder is not None:
            return _port_unavailable(field, socket[1], node, holder)
        if held and self._headers[socket] != headers:
            holder = next(iter(held.values()))
            return other_headers(field, socket[1], named_to(holder, node), self._headers[socket], headers)
        return None

    def binds(self) -> tuple[BindNode, ...]:
        """Sorted by address, port and transport."""
        return tuple(
            BindNode(*socket[:2], tuple(node.key for node in held.values()), socket[2], self._headers[socket])
            for socket, held in sorted(self._sockets.items(), key=lambda item: item[0])
        )


def _in_the_way(held: Mapping[str, ListenerNode], node: ListenerNode) -> ListenerNode | None:
    """One protocol has the whole socket, and within it each hostname belongs to one listener."""
    first = next(iter(held.values()), None)
    if first is None:
        return None
    rows = PROTOCOLS[first.spec.protocol], PROTOCOLS[node.spec.protocol]
    if rows[0].family != rows[1].family or not rows[0].by_hostname:
        return first
    return held.get(node.hostname)


def _port_unavailable(field: str, port: int, node: ListenerNode, holder: ListenerNode) -> Finding:
    if node.listener_set is None:
        return c.port_unavailable(field, port, node.hostname, holder.key)
    return entry_port_unavailable(field, port, node.hostname, named_to(holder, node))


def claim_for_gateways(plan: Plan, gateways: Mapping[ObjectKey, GatewayNode]) -> dict[ObjectKey, GatewayNode]:
    """The Gateways, with own listeners refused that found their port taken."""
    return {key: replace(gateway, listeners=_claimed(plan, gateway, gateway)) for key, gateway in gateways.items()}


def claim_for_sets(plan: Plan, sets: Mapping[ObjectKey, ListenerSetNode]) -> dict[ObjectKey, ListenerSetNode]:
    """After all Gateways: the ListenerSets, with entries refused that found their port taken."""
    return {key: replace(item, listeners=_claimed(plan, item, item.gateway)) for key, item in sets.items()}


def _claimed(plan: Plan, owner: GatewayNode | ListenerSetNode, gateway: GatewayNode) -> tuple[ListenerNode, ...]:
    refusals = [
        plan.claim(i, node, gateway.addresses, gateway.bound_port(node), gateway.proxy_headers)
        if owner.binds(node)
        else None
        for i, node in enumerate(owner.listeners)
    ]
    return tuple(
        node if refusal is None else replace(node, findings=(*node.findings, refusal))
        for node, refusal in zip(owner.listeners, refusals, strict=True)
    )
