"""Policies of a rule: timeouts, retries, and what the gateway has in their place where the rule says nothing."""

from collections.abc import Callable, Mapping

from proxy.resources.duration import written
from proxy.resources.meta import ObjectKey
from proxy.snapshot.describe import policy_data, policy_words
from proxy.snapshot.route import Retry
from proxy.translate.explain.origins import default
from proxy.translate.explain.scene import Data, RuleScene, Told

Describer = Callable[[RuleScene], "Told | None"]
"""None where there is nothing to say."""


def attachment(scene: RuleScene) -> Told:
    """By which parentRef, or as a default Gateway, the route is on the listener, and by which of its hostnames."""
    key, origins = scene.at.listener.key, scene.at.stage.origins
    attached = scene.at.stage.graph.attachments[scene.route.key]
    parents = [parent for parent in attached.parents if key in parent.listeners]
    own = next((at.own for at in attached.places if (at.listener, at.hostname) == (key, scene.hostname)), b"")
    found = [origins.of(scene.route.resource, parent.field) for parent in parents]
    if any(parent.is_default for parent in parents):
        found.append(origins.of(scene.at.gateway.resource, "spec.defaultScope"))
    names = [name.lower().encode() for name in scene.route.resource.spec.hostnames]
    if own in names:
        found.append(origins.of(scene.route.resource, f"spec.hostnames[{names.index(own)}]"))
    hostname = scene.hostname.decode() or "every host"
    return Told("attachment", f"on listener {key} for {hostname}", {"hostname": hostname}, tuple(found))


def timeouts(scene: RuleScene) -> Told:
    """Those of the rule; without any the gateway's own time for a response head."""
    data = policy_data(scene.rule)
    declared = scene.node.rule.timeouts
    if "timeouts" not in data or declared is None:
        time = written(scene.at.stage.wide.response_head)
        words = f"none of the rule; {time} from the whole request to the head of a response, then 504"
        return Told("timeouts", words, {"responseHead": time}, (default("no timeouts in the rule"),))
    given = (("timeouts.request", declared.request), ("timeouts.backendRequest", declared.backend_request))
    origins = tuple(scene.origin(part) for part, value in given if value is not None)
    (words,) = policy_words({"timeouts": data["timeouts"]})
    return Told("timeouts", words, data["timeouts"], origins)


def retry(scene: RuleScene) -> Told:
    """Those of the rule, with what it leaves to us; without any what is always done."""
    data, declared = policy_data(scene.rule), scene.node.rule.retry
    if "retry" not in data or declared is None:
        words = "none; sent again only when nothing of it can have been processed"
        return Told("retry", words, {"attempts": 0}, (default("no retry in the rule"),))
    (words,) = policy_words({"retry": data["retry"]})
    origins = [scene.origin("retry")]
    if declared.attempts is None:
        origins.append(default(f"attempts: {Retry().attempts}"))
    if declared.backoff is None:
        origins.append(default(f"backoff: {written(Retry().backoff)}"))
    return Told("retry", words, data["retry"], tuple(origins))


def sessions(scene: RuleScene) -> Told | None:
    """By what clients come back to their endpoint; as the rule says, or a policy on one of its backends."""
    data, node = policy_data(scene.rule), scene.node.session
    if "sessionPersistence" not in data or node is None:
        return None
    origin = scene.origin("sessionPersistence")
    if node.policy:
        policy = scene.at.stage.graph.traffic_policies[ObjectKey(*node.policy.split("/"))]
        origin = scene.at.stage.origins.of(policy.resource, "spec.sessionPersistence")
    told = {name: value for name, value in data["sessionPersistence"].items() if name != "policy"}
    (words,) = policy_words({"sessionPersistence": told})
    return Told("sessions", words.removeprefix("sessions "), told, (origin,))


def deadlines(scene: RuleScene) -> Told:
    """What holds under every rule."""
    wide = scene.at.stage.wide
    data: Data = {"connect": written(wide.connect), "idle": written(wide.idle)}
    words = f"{data['connect']} to connect to an endpoint, {data['idle']} without an octet either way"
    return Told("deadlines", words, data, (default("of the gateway"),))


RULE_POLICIES: Mapping[str, Describer] = {
    "attachment": attachment,
    "timeouts": timeouts,
    "retry": retry,
    "sessions": sessions,
    "deadlines": deadlines,
}
"""A row for each policy of a rule, in the order in which they are told."""
ANSWERED_HERE = {"attachment": attachment}
"""Those that matter where a filter answers, so that nothing is forwarded."""
