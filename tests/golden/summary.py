"""A Translation as readable YAML: what a golden file holds."""

from typing import Any

import yaml

from proxy.resources.problem import Problem
from proxy.snapshot.describe import budget_data, policy_data
from proxy.snapshot.l4 import L4Route
from proxy.snapshot.route import (
    BackendRef,
    Cors,
    DirectResponse,
    Entry,
    ExternalAuth,
    Fail,
    Filter,
    HeaderModifier,
    Mirror,
    PathModifier,
    Redirect,
    Rewrite,
    Rule,
)
from proxy.snapshot.snapshot import Bind, Listener, Snapshot, Upstream
from proxy.snapshot.upstream_tls import UpstreamTLS
from proxy.translate.infrastructure.objects import Infrastructure
from proxy.translate.status.build import ObjectStatus
from proxy.translate.translate import Translation


class _Plain(yaml.SafeDumper):
    """Says everything where it stands: an expectation is read, not resolved."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def summary(translation: Translation, problems: tuple[Problem, ...]) -> str:
    """`problems`: those of the source and of the translation, in this order."""
    parts = {
        "problems": [_problem(problem) for problem in problems],
        **_snapshot(translation.snapshot),
        "statuses": {_object(status): _status(status.status) for status in translation.statuses},
        **_infrastructure(translation.infrastructure),
    }
    return yaml.dump(parts, Dumper=_Plain, sort_keys=False, width=110, allow_unicode=True)


def _infrastructure(made: Infrastructure) -> dict[str, Any]:
    """Objects as they are applied; said only where there are any."""
    objects = {str(item): {"for": str(item.gateway), **item.body} for item in made.objects}
    return {"infrastructure": objects} if objects else {}


def _problem(problem: Problem) -> str:
    where = f"{problem.line}:{problem.column}: " if problem.column else f"{problem.line}: " if problem.line else ""
    place = f"{problem.field}: " if problem.field else ""
    hint = f" -- {problem.hint}" if problem.hint else ""
    about = f"{problem.severity}[{problem.object}]" if problem.object else problem.severity
    return f"{where}{about}: {place}{problem.message}{hint}"


# --- snapshot ---------------------------------------------------------------------------------


def _snapshot(snapshot: Snapshot) -> dict[str, Any]:
    listeners: dict[str, Any] = {
        key: {
            "serves": f"{listener.protocol} port {listener.port} {listener.hostname.decode() or '(every host)'}",
            **_certificates(snapshot, listener),
            **_shown(snapshot, listener.client_certificate, "shows backends"),
            **_clients(snapshot, listener),
            "hosts": {},
        }
        for key, listener in snapshot.listeners.items()
    }
    rules: dict[str, Any] = {}
    for (listener, hostname), bucket in snapshot.buckets.items():
        listeners[listener]["hosts"][hostname.decode() or "(every host)"] = [
            _entry(entry, bucket.rules[entry.rule]) for entry in bucket.entries
        ]
        rules.update({f"{_route(rule)} rule {rule.index}": _rule(rule) for rule in bucket.rules})
    for listener, routes in snapshot.l4.items():
        for route in routes:
            at = route.hostname.decode() or "(all)"
            listeners[listener]["hosts"].setdefault(at, []).append(_l4_route(route))
    return {
        "binds": {_bind(bind): list(bind.listeners) for bind in snapshot.binds},
        "listeners": listeners,
        "rules": dict(sorted(rules.items())),
        "upstreams": {key: _upstream(upstream, snapshot) for key, upstream in snapshot.upstreams.items()},
    }


def _bind(bind: Bind) -> str:
    udp = " by UDP" if bind.transport == "UDP" else ""
    asks = f", PROXY header {bind.proxy_headers}" if bind.proxy_headers else ""
    return f"{bind.address or '*'} port {bind.port}{udp}{asks}"


def _l4_route(route: L4Route) -> dict[str, Any]:
    named = f"{route.kind} {route.route}" + (f" rule {route.name}" if route.name else "")
    return {named: [_backend(ref) for ref in route.backends]}


def _certificates(snapshot: Snapshot, listener: Listener) -> dict[str, Any]:
    names = [snapshot.certificates[key].names for key in listener.certificates]
    return {"certificates": [", ".join(name.decode() for name in each) for each in names]} if names else {}


def _clients(snapshot: Snapshot, listener: Listener) -> dict[str, Any]:
    if listener.clients is None:
        return {}
    counts = [snapshot.bundles[key].pem.count(b"BEGIN CERTIFICATE") for key in listener.clients.bundles]
    others = "let in, too" if listener.clients.insecure_fallback else "refused"
    return {"clients": f"CA certificates: {' + '.join(map(str, counts))}; others are {others}"}


def _route(rule: Rule) -> str:
    return rule.route if rule.kind == "HTTPRoute" else f"{rule.kind} {rule.route}"


def _entry(entry: Entry, rule: Rule) -> str:
    match = entry.match
    parts = [match.method.decode() or "any", match.path_kind, match.path.decode()]
    parts += [f"header {ask.name.decode()}{'~' if ask.regex else '='}{ask.value.decode()}" for ask in match.headers]
    parts += [f"query {ask.name.decode()}{'~' if ask.regex else '='}{ask.value.decode()}" for ask in match.query]
    own = f" (as {entry.own.decode()})" if entry.own else ""
    return f"{' '.join(parts)} -> {_route(rule)} rule {rule.index} match {entry.match_index}{own}"


def _rule(rule: Rule) -> dict[str, Any]:
    given = {
        "name": rule.name,
        "created": rule.created,
        "filters": [_filter(item) for item in rule.filters],
        "backends": [_backend(ref) for ref in rule.backends],
        **policy_data(rule),
    }
    return {field: value for field, value in given.items() if value}


def _filter(item: Filter) -> str:
    match item:
        case HeaderModifier():
            changes = [
                f"{kind} {name.decode()}: {value.decode()}"
                for kind in ("set", "add")
                for name, value in getattr(item, kind)
            ]
            changes += [f"remove {name.decode()}" for name in item.remove]
            return f"{item.on} headers: {', '.join(changes)}"
        case Redirect():
            target = {"scheme": item.scheme, "hostname": item.hostname, "port": item.port, "path": _path(item.path)}
            return f"redirect {item.status} {_given(target)}"
        case Rewrite():
            return f"rewrite {_given({'hostname': item.hostname, 'path': _path(item.path)})}"
        case Cors():
            lists = {name: b" ".join(getattr(item, name)) for name in ("origins", "methods", "headers", "expose")}
            given = {name: values.decode() for name, values in lists.items() if values}
            return f"cors {_given({**given, 'credentials': item.credentials, 'max age': item.max_age})}"
        case Mirror():
            return f"mirror {item.numerator}/{item.denominator} to {item.backend}"
        case ExternalAuth():
            told = {"path": item.prefix, "told": b" ".join(item.sent), "tells": b" ".join(item.copied)}
            given = {name: value.decode() for name, value in told.items() if value}
            return f"ask {item.backend} {_given({**given, 'body up to': item.body_at_most or None})}".rstrip()
        case DirectResponse():
            fields = ", ".join(f"{name.decode()}: {value.decode()}" for name, value in item.headers)
            return f"answer {item.status} of {item.name} [{fields}] {item.body.decode()!r}"
        case Fail():
            return f"fail {item.status} {item.reason}"


def _path(path: PathModifier | None) -> str | None:
    if path is None:
        return None
    return f"{path.value.decode()!r}" + (f" for prefix {path.prefix.decode()}" if path.kind == "prefix" else "")


def _given(fields: dict[str, Any]) -> str:
    return ", ".join(f"{field} {value}" for field, value in fields.items() if value is not None)


def _backend(ref: BackendRef) -> str | dict[str, Any]:
    target = ref.upstream or f"invalid: {ref.invalid}"
    text = f"{ref.backend} weight {ref.weight}" + (f" ({target})" if target != ref.backend else "")
    return {text: [_filter(item) for item in ref.filters]} if ref.filters else text


def _upstream(upstream: Upstream, snapshot: Snapshot) -> str | dict[str, Any]:
    named = " (outside)" if upstream.external else ""
    places = [f"{at.host} port {at.port}" for at in upstream.endpoints]
    places += [f"name {at.host} port {at.port}{named}" for at in upstream.names]
    at = ", ".join(places) or "(none)"
    text = f"{upstream.protocol} {at}" + (f" (refused: {upstream.invalid})" if upstream.invalid else "")
    more = _tls(snapshot.upstream_tls[upstream.tls], snapshot) if upstream.tls else {}
    if upstream.seats:
        more["seats"] = [seat.name.decode() for seat in upstream.seats]
    if upstream.proxy_protocol:
        more["PROXY header"] = upstream.proxy_protocol
    if upstream.retry_budget is not None:
        more["retry budget"] = {"of": upstream.retry_budget.service, **(budget_data(upstream.retry_budget) or {})}
    return {text: more} if more else text


def _tls(tls: UpstreamTLS, snapshot: Snapshot) -> dict[str, Any]:
    """Of bundles, which have no names, how many certificates they hold."""
    counts = [snapshot.bundles[key].pem.count(b"BEGIN") for key in tls.bundles]
    return {
        "server name": tls.server_name,
        **({"names": [f"{name.kind} {name.value}" for name in tls.names]} if tls.names else {}),
        "trusts": f"{sum(counts)} CA certificates" if counts else "the system",
        **_shown(snapshot, tls.certificate, "shows"),
    }


def _shown(snapshot: Snapshot, key: str, what: str) -> dict[str, Any]:
    return {what: b", ".join(snapshot.certificates[key].names).decode()} if key else {}


# --- statuses ---------------------------------------------------------------------------------


_GOOD = {
    ("Accepted", "True", "Accepted"),
    ("Programmed", "True", "Programmed"),
    ("ResolvedRefs", "True", "ResolvedRefs"),
    ("Conflicted", "False", "NoConflicts"),
}


def _object(status: ObjectStatus) -> str:
    return f"{status.kind}/{status.key}"


def _status(status: dict[str, Any]) -> dict[str, Any]:
    """Features and empty lists left out."""
    short = {field: value for field, value in status.items() if value and field != "supportedFeatures"}
    if "addresses" in short:
        short["addresses"] = [address["value"] for address in short["addresses"]]
    if "conditions" in short:
        short["conditions"] = _conditions(short["conditions"])
    if "listeners" in short:
        short["listeners"] = {item["name"]: _listener(item) for item in short["listeners"]}
    if "ancestors" in short:
        short["ancestors"] = dict(map(_ancestor, short["ancestors"]))
    if "parents" in short:
        short["parents"] = [_parent(item) for item in short["parents"]]
    return short


def _listener(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "supportedKinds": [kind["kind"] for kind in item["supportedKinds"]],
        "attachedRoutes": item["attachedRoutes"],
        "conditions": _conditions(item["conditions"]),
    }


def _parent(item: dict[str, Any]) -> dict[str, Any]:
    ref = {field: value for field, value in item["parentRef"].items() if field != "group" and value != "Gateway"}
    return {
        "parentRef": " ".join(f"{field}={value}" for field, value in ref.items()),
        "conditions": _conditions(item["conditions"]),
    }


def _ancestor(item: dict[str, Any]) -> tuple[str, Any]:
    ref = item["ancestorRef"]
    return f"{ref['kind']} {ref['namespace']}/{ref['name']}", _conditions(item["conditions"])


def _conditions(items: list[dict[str, Any]]) -> str | list[str]:
    """The good ones are said in one word."""
    good = {(item["type"], item["status"], item["reason"]) for item in items} <= _GOOD
    generation = items[0]["observedGeneration"]
    return f"good{f' @{generation}' if generation else ''}" if good else [_condition(item) for item in items]


def _condition(item: dict[str, Any]) -> str:
    generation = f" @{item['observedGeneration']}" if item["observedGeneration"] else ""
    return f"{item['type']}={item['status']} {item['reason']}{generation}: {item['message']}"
