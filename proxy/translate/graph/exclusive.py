"""HTTPRoutes and GRPCRoutes that would serve the same hosts of one listener: only those of one kind can (GRPCRoute).

The two are never merged. Of two routes of different kinds whose hostnames meet on a listener the senior one is
accepted: the older, then by "namespace/name". So on each listener routes are asked in that order, and one that meets
a host which an accepted route of the other kind serves is refused there.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from proxy.translate.graph import route_conditions as c
from proxy.translate.graph.age import seniority
from proxy.translate.graph.nodes import AttachmentNode, ParentNode, RouteKey, RouteNode

Routes = Mapping[RouteKey, RouteNode]
Attachments = Mapping[RouteKey, AttachmentNode]
Refusals = dict[RouteKey, dict[str, RouteKey]]
"""Route to the listeners that refuse it, and which route is served there."""


def exclude(routes: Routes, candidates: Attachments, known: Attachments) -> Attachments:
    """`candidates` as they are where nothing meets. `known`: the outcome before, kept where it still holds."""
    refused = _refused(routes, candidates)
    if not refused:
        return candidates
    return {
        key: _kept(known.get(key), _without(node, refused[key])) if key in refused else node
        for key, node in candidates.items()
    }


def _kept(old: AttachmentNode | None, new: AttachmentNode) -> AttachmentNode:
    """Attachments are compared by identity, so one that says the same stays the same."""
    same = old is not None and (old.parents, old.places, old.advice) == (new.parents, new.places, new.advice)
    return old if old is not None and same else new


# --- who is refused ---------------------------------------------------------------------------


def _refused(routes: Routes, candidates: Attachments) -> Refusals:
    refused: Refusals = {}
    for listener, keys in _contended(candidates):
        served: dict[str, Hosts] = {}
        for key in sorted(keys, key=lambda key: seniority(routes[key].resource)):
            hostnames = routes[key].hostnames or (b"",)
            others = (hosts.met_by(name) for kind, hosts in served.items() if kind != key.kind for name in hostnames)
            winner = next((other for other in others if other is not None), None)
            if winner is None:
                served.setdefault(key.kind, Hosts()).add(key, hostnames)
            else:
                refused.setdefault(key, {})[listener] = winner
    return refused


def _contended(candidates: Attachments) -> Iterator[tuple[str, list[RouteKey]]]:
    """Listeners with routes of both kinds, and those."""
    if len({key.kind for key in candidates}) < 2:
        return
    by_listener: dict[str, list[RouteKey]] = {}
    for key, node in candidates.items():
        for listener in dict.fromkeys(one for parent in node.parents for one in parent.listeners):
            by_listener.setdefault(listener, []).append(key)
    yield from ((at, keys) for at, keys in by_listener.items() if len({key.kind for key in keys}) > 1)


class Hosts:
    """Hostnames that are served, and by which route; asked in the time of one hostname, however many there are."""

    __slots__ = ("_any", "_below", "_names")

    def __init__(self) -> None:
        self._names: dict[bytes, RouteKey] = {}
        self._below: dict[bytes, RouteKey] = {}
        """Suffix such as .example.com to a route with a hostname that ends so."""
        self._any: RouteKey | None = None
        """Whichever came first."""

    def add(self, route: RouteKey, hostnames: Iterable[bytes]) -> None:
        for name in hostnames:
            self._any = self._any or route
            self._names.setdefault(name, route)
            for suffix in _suffixes(name):
                self._below.setdefault(suffix, route)

    def met_by(self, name: bytes) -> RouteKey | None:
        """A route with a hostname that has hosts in common with this one."""
        if not name:
            return self._any
        covering = (self._names.get(b"*" + suffix) for suffix in _suffixes(name))
        found = self._names.get(name) or self._names.get(b"") or next(filter(None, covering), None)
        return found or (self._below.get(name[1:]) if name.startswith(b"*") else None)


def _suffixes(name: bytes) -> Iterator[bytes]:
    """Of a.b.c those that *.b.c and *.c cover: .b.c and .c. Of *.b.c that are .b.c itself, and .c."""
    at = name.find(b".")
    while at >= 0:
        yield name[at:]
        at = name.find(b".", at + 1)


# --- what is left of them ---------------------------------------------------------------------


def _without(node: AttachmentNode, listeners: Mapping[str, RouteKey]) -> AttachmentNode:
    return AttachmentNode(
        tuple(_parent(parent, listeners) for parent in node.parents),
        tuple(place for place in node.places if place.listener not in listeners),
        node.advice,
    )


def _parent(parent: ParentNode, listeners: Mapping[str, RouteKey]) -> ParentNode:
    """What the parent still has; refused when that is nothing."""
    left = tuple(key for key in parent.listeners if key not in listeners)
    if left or not parent.listeners:
        return replace(parent, listeners=left)
    winner = listeners[parent.listeners[0]]
    name = f"{winner.kind} {winner.namespace}/{winner.name}"
    return replace(parent, listeners=(), finding=c.other_kind(parent.field, name))
