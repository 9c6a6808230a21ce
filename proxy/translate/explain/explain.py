"""explain(translation, asked): the whole answer, for the command line and the admin address alike.

`snapshot.explain` says what happens, from the snapshot alone; here each part of it gets its origin. The policies are
told by the rows of three tables: RULE_POLICIES, LISTENER_POLICIES and BACKEND_POLICIES.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from proxy.snapshot import explain as of_snapshot
from proxy.snapshot.question import Asked
from proxy.translate.explain.filter_origins import add_origins, policies
from proxy.translate.explain.listener_policies import LISTENER_POLICIES
from proxy.translate.explain.origins import Locate, Origins
from proxy.translate.explain.rule_policies import ANSWERED_HERE, RULE_POLICIES
from proxy.translate.explain.scene import BackendScene, Data, GatewayWide, ListenerScene, RuleScene, Stage, Told
from proxy.translate.explain.unattached import AT_MOST, find_unattached, near_miss_data
from proxy.translate.graph.nodes import RouteKey, RouteNode
from proxy.translate.translate import Translation


class Explained(NamedTuple):
    """What explanations are made from."""

    translation: Translation
    wide: GatewayWide
    locate: Locate = tuple
    """Loaded.place of what was translated; it may read files."""


def explain(source: Explained, asked: Asked) -> Data:
    """Raises BadQuestion. Takes up to a second where there are 100,000 routes, and changes nothing."""
    translation, wide, locate = source
    told = of_snapshot.tell(translation.snapshot, asked, wide.trusted_proxies)
    origins, tls = Origins(translation.resources), told.data["tls"] or {}
    stage = Stage(translation.graph, translation.resources, origins, wide, tls.get("server_name", ""))
    data = told.data | {"policies": [], "passed_over": []}
    _name_entries(data, stage)
    _add_unattached(data, told, stage)
    at = _listener_scene(stage, told.listener or tls.get("listener") or "")
    if at is not None:
        data["policies"] = _all_told(LISTENER_POLICIES, at)
        _add_rule(data, told, at)
    origins.settle(locate)
    return data


def _all_told(table: Mapping[str, Callable[[Any], Told | None]], scene: Any) -> list[Data]:
    found = (describe(scene) for describe in table.values())
    return [told.as_data for told in found if told is not None]


def _listener_scene(stage: Stage, key: str) -> ListenerScene | None:
    for node in stage.graph.bound():
        if node.key == key:
            return ListenerScene(stage, node, stage.graph.gateways[node.gateway])
    return None


# --- the rule that answers --------------------------------------------------------------------


def _add_rule(data: Data, told: of_snapshot.Told, at: ListenerScene) -> None:
    """Filters and backends of the winner, and the policies of its rule."""
    winner = told.winner
    route = None if winner is None else _route(at.stage, winner.rule.kind, winner.rule.route)
    if winner is None or route is None:
        return
    node = next(rule for rule in route.rules if rule.index == winner.rule.index)
    scene = RuleScene(at, route, node, winner.rule, winner.hostname)
    table = ANSWERED_HERE if "answer" in data else RULE_POLICIES
    data["policies"] = [*_all_told(table, scene), *data["policies"]]
    data["filters"] = add_origins(data["filters"], node.rule.filters, f"{scene.field}.filters", scene)
    for i, (backend, ref) in enumerate(zip(data["backends"], node.backends, strict=False)):
        field = f"{scene.field}.backendRefs[{i}]"
        backend["filters"] = add_origins(backend["filters"], ref.filters, f"{field}.filters", scene)
        backend["policies"] = policies(BackendScene(scene, ref.key, ref.target, field))
        if ref.target.broken is not None and backend["outcome"]["flags"] == "NB":
            backend["outcome"]["why"] = ref.target.broken.message
    for outcome in data["outcomes"]:
        alike = (one["outcome"] for one in data["backends"] if one["outcome"]["reason"] == outcome["reason"] != "")
        outcome["why"] = next((one["why"] for one in alike), outcome["why"])


def _route(stage: Stage, kind: str, path: str) -> RouteNode | None:
    namespace, _, name = path.partition("/")
    return stage.graph.routes.get(RouteKey(kind, namespace, name))


# --- entries ----------------------------------------------------------------------------------


def _name_entries(data: Data, stage: Stage) -> None:
    """Where the match of each candidate and near miss is declared."""
    for entry in (data["winner"], *data["candidates"], *data["near_misses"]):
        route = None if entry is None else _route(stage, entry["kind"], entry["route"])
        if entry is None or route is None:
            continue
        field = f"spec.rules[{entry['rule']}]"
        if route.resource.spec.rules[entry["rule"]].matches:
            field += f".matches[{entry['match']}]"
        entry["from"] = stage.origins.of(route.resource, field)


def _add_unattached(data: Data, told: of_snapshot.Told, stage: Stage) -> None:
    """Where nothing answers they are the nearest misses; else those that would have come before the winner."""
    if told.question is None:
        return
    found = find_unattached(stage, told.question)
    if told.winner is None:
        nearest = [near_miss_data(one, stage) for one in found[:AT_MOST]]
        data["near_misses"] = [*nearest, *data["near_misses"]]
    else:
        before = [one for one in found if one.key < told.winner.key]
        data["passed_over"] = [near_miss_data(one, stage) for one in before[:AT_MOST]]
