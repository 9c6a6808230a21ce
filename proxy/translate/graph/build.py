"""build_graph: the steps in order, on one page."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from proxy.resources.grpcroute import GRPCRoute
from proxy.resources.httproute import HTTPRoute
from proxy.resources.meta import ObjectKey, Wanted
from proxy.resources.store import ResourceSet
from proxy.translate.graph.addresses import EMPTY, Placement, place_gateways
from proxy.translate.graph.attach import Admission, attach
from proxy.translate.graph.backends import Backends
from proxy.translate.graph.backendtls import BackendTLSPolicies, PolicyNode
from proxy.translate.graph.backendtraffic import BackendTrafficPolicies, TrafficNode
from proxy.translate.graph.binds import Plan, claim_for_gateways, claim_for_sets
from proxy.translate.graph.ca_certificates import CACertificates
from proxy.translate.graph.certificates import Certificates
from proxy.translate.graph.clients import Clients
from proxy.translate.graph.exclusive import exclude
from proxy.translate.graph.extensions import Extensions
from proxy.translate.graph.gateways import Gateways, accept_gateways
from proxy.translate.graph.l4 import NOTHING, L4Graph, build_l4
from proxy.translate.graph.listener_tls import ListenerTLS
from proxy.translate.graph.listenersets import ListenerSets, attach_listener_sets, placed, with_added_ports
from proxy.translate.graph.matches import CheckRegex
from proxy.translate.graph.namespaces import Namespaces
from proxy.translate.graph.nodes import AttachmentNode, BindNode, GatewayNode, ListenerNode, RouteKey, RouteNode
from proxy.translate.graph.policy_users import Users, policy_users, used_backends, with_l4
from proxy.translate.graph.pool import Memory
from proxy.translate.graph.routes import Checks, check_route, still_holds
from proxy.translate.graph.upstream_tls import Security
from proxy.translate.graph.xbackend_users import xbackend_users
from proxy.translate.settings import TranslateSettings

R = TypeVar("R", HTTPRoute, GRPCRoute)


class Graph(Struct):
    """Everything that configuration and status are read from."""

    declared: Gateways
    certificates: Certificates
    gateways: Mapping[ObjectKey, GatewayNode]
    """Ours, the most senior first, after sockets were given out."""
    listener_sets: ListenerSets
    binds: tuple[BindNode, ...]
    backends: Backends
    extensions: Extensions
    routes: Mapping[RouteKey, RouteNode]
    """HTTPRoutes, then GRPCRoutes, each by namespace and name."""
    admission: Admission
    attachments: Mapping[RouteKey, AttachmentNode]
    candidates: Mapping[RouteKey, AttachmentNode]
    """`attachments` before HTTPRoutes and GRPCRoutes excluded each other."""
    attached: Mapping[str, int]
    """Listener key to number of accepted routes; listeners without routes are missing."""
    policies: Mapping[ObjectKey, PolicyNode]
    """BackendTLSPolicies, the most senior first."""
    policy_users: Users
    xbackend_users: Users
    traffic_policies: Mapping[ObjectKey, TrafficNode]
    """XBackendTrafficPolicies, the most senior first."""
    traffic_policy_users: Users
    authorities: CACertificates
    l4: L4Graph = NOTHING
    """The routes below HTTP."""
    placement: Placement = EMPTY
    """Who has which address; the next translation goes on from it."""

    @property
    def wanted(self) -> frozenset[Wanted]:
        """Secrets and ConfigMaps that are referred to and may be read; of Backends once they have been compiled."""
        return frozenset(self.certificates.wanted | self.authorities.wanted)

    def bound(self) -> Iterator[ListenerNode]:
        """All listeners that are bound here: the Gateways' own, then those of ListenerSets."""
        yield from (node for owner in self.gateways.values() for node in owner.listeners if owner.binds(node))
        yield from (
            node for owner in self.listener_sets.nodes.values() for node in owner.listeners if owner.binds(node)
        )


def build_graph(
    resources: ResourceSet,
    settings: TranslateSettings,
    check_regex: CheckRegex,
    previous: Graph | None,
    held: Memory,
    told: Memory,
    now: float = 0.0,
) -> Graph:
    """`previous` must come from the same settings; of it is kept what nothing has changed.

    `held`: Gateway to the addresses its status named when it was first seen; `told`: to those that another replica,
    which decides, has given it.
    """
    certificates = Certificates(resources, now, previous.certificates if previous else None)
    authorities = CACertificates(resources, previous.authorities if previous else None)
    tls = ListenerTLS(certificates, Clients(authorities, now))
    declared = accept_gateways(resources, settings, tls)
    namespaces = Namespaces(resources)
    sets = attach_listener_sets(resources, declared.nodes, namespaces, tls, advise=settings.file_mode)
    known = previous.placement if previous else EMPTY
    wanted = with_added_ports(declared.nodes, sets.nodes)
    placement = place_gateways(wanted, resources, settings, held=held, told=told, previous=known)
    plan = Plan(settings.port_map)
    gateways = claim_for_gateways(plan, placement.nodes)
    sets = replace(sets, nodes=claim_for_sets(plan, placed(sets.nodes, gateways)))
    security = Security(authorities, certificates, now)
    policies = BackendTLSPolicies(resources, security)
    traffic = BackendTrafficPolicies(resources)
    known_backends = previous.backends if previous else None
    backends = Backends(resources, settings, policies, security, traffic, known_backends)
    extensions = Extensions(resources, previous.extensions if previous else None)
    routes = _check_routes(resources, Checks(backends, extensions, check_regex), previous)
    admission = Admission(resources, gateways, sets.nodes, namespaces)
    same = previous is not None and admission.equals(previous.admission)
    candidates = _attach_routes(routes, admission, previous if same else None, advise=settings.file_mode)
    attachments = exclude(routes, candidates, previous.attachments if previous else {})
    below = previous.l4 if previous else None
    listeners = [node for gateway in gateways.values() for node in gateway.listeners]
    listeners += [node for each in sets.nodes.values() for node in each.listeners]
    l4 = build_l4(
        resources, backends, admission, below,
        listeners=listeners, same_admission=same, advise=settings.file_mode,
    )  # fmt: skip
    used = used_backends(routes, attachments) if policies.nodes or traffic.nodes else {}
    users = xbackend_users(backends.xbackends.declared, routes, attachments)
    for key in users:
        backends.xbackends.node(key)  # Its status speaks of a Secret even where nothing is compiled of it.
    secured = with_l4(used, l4) if policies.nodes else {}
    return Graph(
        declared,
        certificates,
        gateways,
        sets,
        plan.binds(),
        backends,
        extensions,
        routes,
        admission,
        attachments,
        candidates,
        _count((*attachments.values(), *l4.attachments.values())),
        policies.nodes,
        policy_users(policies.nodes, secured),
        users,
        traffic.nodes,
        policy_users(traffic.nodes, used),
        authorities,
        l4,
        placement,
    )


def _check_routes(resources: ResourceSet, checks: Checks, previous: Graph | None) -> dict[RouteKey, RouteNode]:
    """Checks a route again only when it or what its references lead to has changed."""
    known = previous.routes if previous else {}
    settled = checks.unchanged
    routes = {}
    declared: Iterable[HTTPRoute | GRPCRoute] = chain(
        _by_key(resources.by_kind(HTTPRoute)), _by_key(resources.by_kind(GRPCRoute))
    )
    for route in declared:
        key = RouteKey(type(route).__name__, *route.key)
        node = known.get(key)
        if node is None or node.resource is not route or not (settled or still_holds(node, checks)):
            node = check_route(route, checks)
        routes[key] = node
    return routes


def _by_key(routes: Mapping[ObjectKey, R]) -> Iterator[R]:
    return (route for _, route in sorted(routes.items()))


def _attach_routes(
    routes: Mapping[RouteKey, RouteNode], admission: Admission, previous: Graph | None, *, advise: bool
) -> dict[RouteKey, AttachmentNode]:
    """Attaches a route again only when it has changed. `previous`: None when who may attach where has."""
    if previous is None:
        return {key: attach(node, admission, advise=advise) for key, node in routes.items()}
    return {
        key: previous.candidates[key] if previous.routes.get(key) is node else attach(node, admission, advise=advise)
        for key, node in routes.items()
    }


def _count(attachments: Iterable[AttachmentNode]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for attachment in attachments:
        counted.update({key for parent in attachment.parents for key in parent.listeners})
    return counted
