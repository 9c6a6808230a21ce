"""Listeners of one Gateway or ListenerSet: protocol, route kinds, and conflicts among them.

Conflicts have no winner: all listeners that cannot be told apart are refused, the others run. Between a
Gateway and its ListenerSets it is otherwise: see graph.listenersets.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from msgspec.structs import replace

from proxy.resources.gateway import GROUP, Gateway, Listener, RouteGroupKind, RouteNamespaces
from proxy.resources.labels import selector_mistakes
from proxy.resources.listenerset import ListenerSet
from proxy.snapshot.snapshot import Transport
from proxy.translate.graph import conditions as c
from proxy.translate.graph.conditions import Finding, Findings
from proxy.translate.graph.listener_tls import ListenerTLS, TLSParts
from proxy.translate.graph.nodes import ListenerNode, has


class Protocol(NamedTuple):
    """What a listener protocol means."""

    family: str
    """Protocols of one family can share a port; those of different families over TCP cannot."""
    kinds: tuple[str, ...]
    """Route kinds that can attach."""
    by_hostname: bool = True
    """Listeners of one port are told apart by hostname."""
    transport: Transport = "TCP"
    secure: bool = False
    """TLS ends at the listener. At one of protocol TLS its mode says whether it does."""


PROTOCOLS = {
    "HTTP": Protocol("HTTP", ("HTTPRoute", "GRPCRoute")),
    "HTTPS": Protocol("TLS", ("HTTPRoute", "GRPCRoute"), secure=True),
    "TLS": Protocol("TLS", ("TLSRoute",)),
    "TCP": Protocol("TCP", ("TCPRoute",), by_hostname=False),
    "UDP": Protocol("UDP", ("UDPRoute",), by_hostname=False, transport="UDP"),
}

SERVED = ", ".join(PROTOCOLS)

_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_HOSTNAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")


def is_hostname(text: str) -> bool:
    """A DNS name, or one with `*.` in place of its first labels, in lower case."""
    return len(text) <= 253 and _HOSTNAME.fullmatch(text) is not None


def build_listeners(gateway: Gateway, tls: ListenerTLS) -> tuple[ListenerNode, ...]:
    """The Gateway's own, in the order of spec.listeners."""
    listeners = enumerate(gateway.spec.listeners)
    return settle([build_listener(gateway, gateway, i, spec, tls) for i, spec in listeners])


def settle(nodes: list[ListenerNode]) -> tuple[ListenerNode, ...]:
    """The listeners of one object, with those refused that cannot be told apart."""
    conflicts = {**dict(_conflicts(nodes)), **dict(_repeated_names(nodes))}
    return tuple(
        replace(node, findings=(*node.findings, conflicts[i])) if i in conflicts else node
        for i, node in enumerate(nodes)
    )


def build_listener(
    owner: Gateway | ListenerSet, gateway: Gateway, index: int, spec: Listener, tls: ListenerTLS | None
) -> ListenerNode:
    """One listener by itself, as if it were alone. `owner` declares it, `gateway` is where it is added.

    `tls`: None where no Secret may be asked for, as nothing will be served.
    """
    field = f"spec.listeners[{index}]"
    kinds, kind_findings = _route_kinds(field, spec)
    secure = _ends_tls(spec)
    parts = tls.of_listener(owner, gateway, field, spec) if secure and tls else TLSParts()
    return ListenerNode(
        gateway=gateway.key,
        spec=spec,
        hostname=(spec.hostname or "").lower(),
        kinds=kinds,
        findings=(*_protocol_findings(field, spec), *kind_findings, *_value_findings(field, spec), *parts.findings),
        transport=PROTOCOLS[spec.protocol].transport if spec.protocol in PROTOCOLS else "TCP",
        certificates=parts.certificates,
        secure=secure,
        listener_set=owner.key if isinstance(owner, ListenerSet) else None,
        clients=parts.clients,
    )


def _ends_tls(spec: Listener) -> bool:
    if spec.protocol == "TLS":
        return spec.tls is None or spec.tls.mode == "Terminate"
    return spec.protocol in PROTOCOLS and PROTOCOLS[spec.protocol].secure


def _protocol_findings(field: str, spec: Listener) -> Iterator[Finding]:
    row = PROTOCOLS.get(spec.protocol)
    if row is None:
        yield c.unknown_protocol(f"{field}.protocol", spec.protocol, SERVED)


def _route_kinds(field: str, spec: Listener) -> tuple[tuple[RouteGroupKind, ...], Findings]:
    """supportedKinds, and what of allowedRoutes.kinds cannot be."""
    row = PROTOCOLS.get(spec.protocol)
    possible = row.kinds if row else ()
    wanted = spec.allowed_routes.kinds
    if not wanted or not possible:
        return tuple(RouteGroupKind(kind) for kind in possible), ()
    findings = tuple(
        c.invalid_route_kind(f"{field}.allowedRoutes.kinds[{i}]", _named(kind), spec.protocol, ", ".join(possible))
        for i, kind in enumerate(wanted)
        if not _is_one_of(kind, possible)
    )
    return tuple(dict.fromkeys(kind for kind in wanted if _is_one_of(kind, possible))), findings


def _is_one_of(kind: RouteGroupKind, possible: tuple[str, ...]) -> bool:
    return kind.group == GROUP and kind.kind in possible


def _named(kind: RouteGroupKind) -> str:
    return kind.kind if kind.group == GROUP else f"{kind.kind}.{kind.group}" if kind.group else f"{kind.kind} (core)"


def _value_findings(field: str, spec: Listener) -> Iterator[Finding]:
    """What the CRD schema refuses; repeated here so that no source can slip it past us."""
    if not 1 <= spec.port <= 65535:
        yield c.unsupported_value(f"{field}.port", f"{spec.port} is not a port", "use 1 to 65535")
    if spec.hostname and not is_hostname(spec.hostname.lower()):
        yield c.unsupported_value(
            f"{field}.hostname", f"{spec.hostname!r} is not a hostname", "write a DNS name or *.example.com"
        )
    yield from _selector_findings(f"{field}.allowedRoutes.namespaces.selector", spec.allowed_routes.namespaces)


def _selector_findings(field: str, namespaces: RouteNamespaces) -> Iterator[Finding]:
    if namespaces.from_ != "Selector":
        return
    if namespaces.selector is None:
        yield c.unsupported_value(field, "from: Selector needs a selector", "add one, or use from: All")
        return
    for part, message, hint in selector_mistakes(namespaces.selector):
        yield c.unsupported_value(f"{field}.{part}", message, hint)


def _repeated_names(nodes: list[ListenerNode]) -> Iterator[tuple[int, Finding]]:
    """Statuses and routes know a listener by its name, so only the first of a name can be served."""
    first: dict[str, int] = {}
    for i, node in enumerate(nodes):
        if first.setdefault(node.spec.name, i) != i:
            field = f"spec.listeners[{i}].name"
            yield i, c.unsupported_value(field, f"{node.spec.name!r} is used twice", "give it another name")


# --- conflicts --------------------------------------------------------------------------------


def _conflicts(nodes: list[ListenerNode]) -> Iterator[tuple[int, Finding]]:
    """Index of a refused listener and why. Unknown protocols take no part; nothing of them is ever bound.

    Neither does an entry of a ListenerSet that has lost to a more senior owner: what is left of the set is as
    if it were not there.
    """
    known = [(i, n) for i, n in enumerate(nodes) if n.spec.protocol in PROTOCOLS and not has(n.findings, c.CONFLICTED)]
    at = _port_and_transport
    for (port, _), group in groupby(sorted(known, key=at), key=at):
        yield from _conflicts_on_port(port, list(group))


def _port_and_transport(item: tuple[int, ListenerNode]) -> tuple[int, str]:
    return port_and_transport(item[1].spec)


def port_and_transport(spec: Listener) -> tuple[int, str]:
    """Only listeners that have these in common can conflict. Of known protocols only."""
    return spec.port, PROTOCOLS[spec.protocol].transport


def _conflicts_on_port(port: int, members: list[tuple[int, ListenerNode]]) -> Iterator[tuple[int, Finding]]:
    if len({carrier(node.spec) for _, node in members}) > 1 or _too_many_without_hostnames(members):
        protocols = list(dict.fromkeys(node.spec.protocol for _, node in members))
        for i, _ in members:
            yield i, c.protocol_conflict(f"spec.listeners[{i}].port", port, protocols, _others(members, i))
        return
    for hostname in {node.hostname for _, node in members}:
        same = [item for item in members if item[1].hostname == hostname]
        if len(same) > 1:
            for i, _ in same:
                yield i, c.hostname_conflict(f"spec.listeners[{i}].hostname", port, hostname, _others(same, i))


def carrier(spec: Listener) -> str:
    """What shares a port: a family. TLS that ends here and TLS that is passed on are told apart by server name."""
    return PROTOCOLS[spec.protocol].family


def _too_many_without_hostnames(members: list[tuple[int, ListenerNode]]) -> bool:
    return len(members) > 1 and not all(PROTOCOLS[node.spec.protocol].by_hostname for _, node in members)


def _others(members: Iterable[tuple[int, ListenerNode]], index: int) -> str:
    return ", ".join(node.spec.name for i, node in members if i != index)
