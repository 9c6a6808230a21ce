"""Scenes: what describers of policies are shown. Each is a listener, a rule or a backend with all around it."""

from typing import Any, NamedTuple

from msgspec import Struct

from proxy.protocol.limits import Limits
from proxy.resources.store import ResourceSet
from proxy.snapshot.route import Rule
from proxy.translate.explain.origins import Origins
from proxy.translate.graph.build import Graph
from proxy.translate.graph.nodes import BackendKey, GatewayNode, ListenerNode, RouteNode, RuleNode, Target

Data = dict[str, Any]


class GatewayWide(Struct, frozen=True):
    """What holds for all requests where no rule says otherwise. Times in seconds."""

    trusted_proxies: tuple[str, ...]
    """CIDRs (--trusted-proxies)."""
    limits: Limits
    connect: float
    """To connect to an endpoint."""
    response_head: float
    """From the whole request sent to the head of a response."""
    idle: float
    """No octet either way."""
    header: float
    """From the first octet of a head to its last."""
    body: float
    """No octet of a request body."""


class Told(NamedTuple):
    """One policy that applies."""

    policy: str
    """A short name, the same for all of its kind."""
    words: str
    """What it says, in a phrase."""
    data: Data
    """The same for programs."""
    origins: tuple[Data, ...]
    """Where it comes from, the closest first."""

    @property
    def as_data(self) -> Data:
        return {"policy": self.policy, "words": self.words, **self.data, "from": list(self.origins)}


class Stage(NamedTuple):
    """What all scenes share."""

    graph: Graph
    resources: ResourceSet
    origins: Origins
    wide: GatewayWide
    server_name: str = ""
    """What TLS was told."""


class ListenerScene(NamedTuple):
    """A listener of a Gateway."""

    stage: Stage
    listener: ListenerNode
    gateway: GatewayNode


class RuleScene(NamedTuple):
    """A rule on a listener."""

    at: ListenerScene
    route: RouteNode
    node: RuleNode
    rule: Rule
    """What it was compiled to."""
    hostname: bytes
    """Under which it answers."""

    @property
    def field(self) -> str:
        return f"spec.rules[{self.node.index}]"

    def origin(self, part: str = "") -> Data:
        """Of a field of the rule."""
        return self.at.stage.origins.of(self.route.resource, f"{self.field}.{part}" if part else self.field)


class BackendScene(NamedTuple):
    """A reference of a rule to a backend: a backendRef, or that of a filter."""

    rule: RuleScene
    key: BackendKey
    target: Target
    field: str
    """Of the reference, within the route."""
