"""Served, but hardly as meant: rules that never answer, hostnames that others serve, and redirects that lead back."""

from collections.abc import Iterator, Mapping
from itertools import chain

from proxy.analysis.dead import Dead, dead_everywhere, unserved_hostnames
from proxy.analysis.loops import loops
from proxy.resources.grpcroute import GRPCRoute
from proxy.resources.httproute import HTTPRoute
from proxy.resources.problem import Problem
from proxy.resources.store import ResourceSet
from proxy.snapshot.describe import text
from proxy.snapshot.route import Rule
from proxy.snapshot.snapshot import Snapshot

DeadEntries = Mapping[tuple[str, int, int], Dead]


def find_warnings(snapshot: Snapshot, resources: ResourceSet) -> Iterator[Problem]:
    """About the routes of which the snapshot was made. None is ever false; there may be more to say."""
    dead = dead_everywhere(snapshot)
    return chain(_dead(dead, resources), _elsewhere(snapshot, resources), _loops(snapshot, resources))


def _warning(name: str, field: str, message: str, hint: str, resources: ResourceSet) -> Iterator[Problem]:
    """`name`: of a route, as Rule.owner."""
    route = _route(name, resources)
    if route is not None:
        file, line = resources.origin(route)
        meta = route.metadata
        yield Problem("warning", message, route.kind, meta.namespace, meta.name, field, hint, file, line)


def _route(name: str, resources: ResourceSet) -> HTTPRoute | GRPCRoute | None:
    kind, _, path = name.partition(" ")
    at = path.split("/", 1)
    return resources.get(GRPCRoute, *at) if kind == "GRPCRoute" else resources.get(HTTPRoute, *at)


# --- what never answers -----------------------------------------------------------------------


def _dead(dead: DeadEntries, resources: ResourceSet) -> Iterator[Problem]:
    """A rule of which nothing is left is told once. What is dead for its hostname is told of the hostname."""
    rules: dict[tuple[str, int], list[Dead]] = {}
    for one in dead.values():
        if one.why != "elsewhere":
            rules.setdefault((one.rule.owner, one.rule.index), []).append(one)
    for found in rules.values():
        matches = _matches(found[0].rule, resources)
        if len(found) == matches:
            yield from _unreachable(found, resources)
        else:
            for one in found:
                yield from _never(one, resources)


def _matches(rule: Rule, resources: ResourceSet) -> int:
    """How many a rule has; one that declares none has one for everything."""
    route = _route(rule.owner, resources)
    return max(1, len(route.spec.rules[rule.index].matches)) if route is not None else 0


def _never(one: Dead, resources: ResourceSet) -> Iterator[Problem]:
    field = f"spec.rules[{one.rule.index}].matches[{one.match_index}]"
    yield from _warning(one.rule.owner, field, f"never answers: {_why(one)}", _hint(one), resources)


def _unreachable(dead: list[Dead], resources: ResourceSet) -> Iterator[Problem]:
    """The rule as a whole, of which these are all matches."""
    first, matches = dead[0], len(dead)
    reasons = list(dict.fromkeys(map(_why, dead)))
    what = "the rule never answers" if matches == 1 else f"the rule never answers, by none of its {matches} matches"
    message = f"{what}: {'; '.join(reasons)}"
    yield from _warning(first.rule.owner, f"spec.rules[{first.rule.index}]", message, _hint(first), resources)


def _why(one: Dead) -> str:
    if one.why == "unsendable":
        return "no request can be like it, as no client can send such a path"
    names = list(dict.fromkeys(_named(rule, match, one.rule) for rule, match in one.by))
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    if len(one.by) > 1:
        return f"all its requests are taken, together, by {shown}"
    return f"all its requests are taken by {shown}, which goes first by {one.decided_by}"


def _named(rule: Rule, match: int, beside: Rule) -> str:
    where = "" if rule.owner == beside.owner else f"{rule.owner} "
    name = f" ({rule.name})" if rule.name else ""
    return f"{where}rules[{rule.index}]{name} matches[{match}]"


def _hint(one: Dead) -> str:
    if one.why == "unsendable":
        return "write the path as it is sent: percent-encoded, without . and .. and #"
    return "remove it, or let it ask for more than that one: a longer path, a method, a header"


def _elsewhere(snapshot: Snapshot, resources: ResourceSet) -> Iterator[Problem]:
    """Hostnames that a more specific listener takes away from the one that the route is attached to."""
    for (name, own), listener in unserved_hostnames(snapshot).items():
        route = _route(name, resources)
        hostnames = [hostname.lower() for hostname in route.spec.hostnames] if route is not None else []
        if text(own) in hostnames:
            message = f"not served: requests for {text(own)} belong to listener {listener}"
            hint = "attach the route to that listener as well, or choose another hostname"
            field = f"spec.hostnames[{hostnames.index(text(own))}]"
            yield from _warning(name, field, message, hint, resources)


# --- what answers, but how --------------------------------------------------------------------


def _loops(snapshot: Snapshot, resources: ResourceSet) -> Iterator[Problem]:
    for loop in loops(snapshot):
        yield from _warning(
            loop.rule.owner,
            f"spec.rules[{loop.rule.index}].filters",
            f"redirects to itself: {loop.url} is answered with a redirect to {loop.url}",
            "name another scheme, hostname, port or path, or match fewer requests",
            resources,
        )
