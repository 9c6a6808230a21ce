"""Matches and filters of a snapshot as plain data, named as the user wrote them (HTTPRoute, GRPCRoute fields)."""

from collections.abc import Callable, Mapping
from typing import Any

from proxy.resources.duration import written
from proxy.snapshot.route import (
    CallMatch,
    Cors,
    DirectResponse,
    ExternalAuth,
    Fail,
    Filter,
    HeaderModifier,
    Mirror,
    PathKind,
    PathModifier,
    Redirect,
    Rewrite,
    RouteMatch,
    Rule,
    ValueMatch,
)
from proxy.snapshot.session import RetryBudget, Session

PATH_TYPES: dict[PathKind, str] = {"exact": "Exact", "prefix": "PathPrefix", "regex": "RegularExpression"}
"""Of requests; calls have none."""


def text(value: bytes) -> str:
    """Bytes for people; what is not UTF-8 is shown escaped."""
    return value.decode("utf-8", "backslashreplace")


def match_data(match: RouteMatch) -> dict[str, Any]:
    """An HTTPRouteMatch or GRPCRouteMatch; what it does not ask is left out."""
    if match.call is not None:
        data: dict[str, Any] = {"method": _call_data(match.call)}
    else:
        data = {"path": {"type": PATH_TYPES[match.path_kind], "value": text(match.path)}}
    if match.method:
        data["method"] = text(match.method)
    if match.headers:
        data["headers"] = [_value_data(asked) for asked in match.headers]
    if match.query:
        data["queryParams"] = [_value_data(asked) for asked in match.query]
    return data


def _call_data(call: CallMatch) -> dict[str, Any]:
    asked = (("service", call.service), ("method", call.method))
    given = {name: text(value) for name, value in asked if value}
    return {"type": "RegularExpression" if call.regex else "Exact", **given}


def match_words(data: dict[str, Any]) -> str:
    """What `match_data` says in one line: `GET PathPrefix /api x-tenant=a ?page~[0-9]+` (`~`: a pattern).

    Of calls it is `Exact com.example.User/Login`, with * for any service or method.
    """
    if "path" in data:
        words = [data.get("method", ""), data["path"]["type"], data["path"]["value"]]
    else:
        call = data["method"]
        words = [call["type"], f"{call.get('service', '*')}/{call.get('method', '*')}"]
    words += [_value_words(asked) for asked in data.get("headers", ())]
    words += ["?" + _value_words(asked) for asked in data.get("queryParams", ())]
    return " ".join(filter(None, words))


def filter_data(one: Filter) -> dict[str, Any]:
    """An HTTPRouteFilter; parts that are not set are left out."""
    return {name: value for name, value in FILTERS[type(one)](one).items() if value not in (None, [])}


def _headers_data(one: HeaderModifier) -> dict[str, Any]:
    return {
        "type": "RequestHeaderModifier" if one.on == "request" else "ResponseHeaderModifier",
        "set": [_field_data(field) for field in one.set],
        "add": [_field_data(field) for field in one.add],
        "remove": [text(name) for name in one.remove],
    }


def _cors_data(one: Cors) -> dict[str, Any]:
    return {
        "type": "CORS",
        "allowOrigins": [text(value) for value in one.origins],
        "allowCredentials": one.credentials or None,
        "allowMethods": [text(value) for value in one.methods],
        "allowHeaders": [text(value) for value in one.headers],
        "exposeHeaders": [text(value) for value in one.expose],
        "maxAge": one.max_age,
    }


def _mirror_data(one: Mirror) -> dict[str, Any]:
    share = mirrored_percent(one)
    return {"type": "RequestMirror", "backend": one.backend, "percent": None if share == 100 else share}


def mirrored_percent(one: Mirror) -> float:
    """Of the requests that come to it."""
    return round(100 * one.numerator / one.denominator, 2)


def _external_auth_data(one: ExternalAuth) -> dict[str, Any]:
    return {
        "type": "ExternalAuth",
        "protocol": "HTTP",
        "backend": one.backend,
        "path": text(one.prefix) or None,
        "allowedHeaders": [text(name) for name in one.sent],
        "allowedResponseHeaders": [text(name) for name in one.copied],
        "maxSize": one.body_at_most or None,
    }


def _direct_response_data(one: DirectResponse) -> dict[str, Any]:
    return {
        "type": "ExtensionRef",
        "kind": "DirectResponse",
        "name": one.name,
        "status": one.status,
        "headers": [_field_data(field) for field in one.headers],
    }


def _fail_data(one: Fail) -> dict[str, Any]:
    return {"type": "Unresolved", "reason": one.reason, "status": one.status}


def _redirect_data(one: Redirect) -> dict[str, Any]:
    return {
        "type": "RequestRedirect",
        "scheme": one.scheme,
        "hostname": one.hostname,
        "port": one.port,
        "path": _path_data(one.path),
        "statusCode": one.status,
    }


def _rewrite_data(one: Rewrite) -> dict[str, Any]:
    return {"type": "URLRewrite", "hostname": one.hostname, "path": _path_data(one.path)}


FILTERS: Mapping[type[Filter], Callable[[Any], dict[str, Any]]] = {
    HeaderModifier: _headers_data,
    Cors: _cors_data,
    Mirror: _mirror_data,
    ExternalAuth: _external_auth_data,
    DirectResponse: _direct_response_data,
    Fail: _fail_data,
    Redirect: _redirect_data,
    Rewrite: _rewrite_data,
}
"""A row for each filter: what the user wrote, with `type` first. None and [] are left out."""


def policy_data(rule: Rule) -> dict[str, Any]:
    """`timeouts`, `retry` and `sessionPersistence` of an HTTPRouteRule; left out when they are not set."""
    data: dict[str, Any] = {}
    if rule.timeouts is not None:
        data["timeouts"] = {
            "request": written(rule.timeouts.request),
            "backendRequest": written(rule.timeouts.backend_request),
        }
    if rule.retry is not None:
        retry = rule.retry
        data["retry"] = {"codes": list(retry.codes), "attempts": retry.attempts, "backoff": written(retry.backoff)}
    if rule.session is not None:
        data["sessionPersistence"] = _session_data(rule.session)
    return data


def _session_data(session: Session) -> dict[str, Any]:
    """As the newer shape of the field has it, made-up names and defaults filled in; `policy` where one says so."""
    data: dict[str, Any] = {"type": session.kind.capitalize(), session.kind: {"name": text(session.name)}}
    if session.kind == "cookie":
        lifetime = "Permanent" if session.permanent else "Session"
        data["cookie"] |= {"path": text(session.path), "lifetimeType": lifetime}
    if session.timeout:
        data["absoluteTimeout"] = written(session.timeout)
    if session.policy:
        data["policy"] = session.policy
    return data


def budget_data(budget: RetryBudget | None) -> dict[str, Any] | None:
    """XBackendTrafficPolicy.spec.retryConstraint, defaults filled in."""
    if budget is None:
        return None
    return {
        "budget": {"percent": budget.percent, "interval": written(budget.interval)},
        "minRetryRate": {"count": budget.floor, "interval": written(budget.floor_interval)},
    }


def budget_words(data: dict[str, Any]) -> str:
    """What `budget_data` says, as a phrase."""
    budget, floor = data["budget"], data["minRetryRate"]
    share = f"at most {budget['percent']} % of the requests in {budget['interval']}"
    return f"retries are {share}, or {floor['count']} in {floor['interval']}"


def policy_words(data: dict[str, Any]) -> list[str]:
    """What `policy_data` says, a phrase each: `at most 1s for the request, 400ms for an attempt`."""
    words = []
    if "timeouts" in data:
        request, attempt = data["timeouts"]["request"], data["timeouts"]["backendRequest"]
        limits = [
            f"{time} for {what}" for time, what in ((request, "the request"), (attempt, "an attempt")) if time != "0s"
        ]
        words.append(f"at most {', '.join(limits)}" if limits else "no limit of time")
    if "retry" in data:
        retry = data["retry"]
        causes = [str(code) for code in retry["codes"]] + ["connection errors"]
        words.append(f"up to {retry['attempts']} retries on {', '.join(causes)}, after {retry['backoff']} or more")
    if "sessionPersistence" in data:
        words.append(_session_words(data["sessionPersistence"]))
    return words


def _session_words(data: dict[str, Any]) -> str:
    """`sessions by cookie cart with path /, kept by clients, for 1h (policy default/shop)`."""
    parts = [f"sessions by {data['type'].lower()} {(data.get('cookie') or data['header'])['name']}"]
    if "cookie" in data:
        parts[0] += f" with path {data['cookie']['path']}"
        parts += ["kept by clients"] if data["cookie"]["lifetimeType"] == "Permanent" else []
    parts += [f"for {data['absoluteTimeout']}"] if "absoluteTimeout" in data else []
    return ", ".join(parts) + (f" (XBackendTrafficPolicy {data['policy']})" if "policy" in data else "")


def _value_data(asked: ValueMatch) -> dict[str, str]:
    kind = "RegularExpression" if asked.regex else "Exact"
    return {"type": kind, "name": text(asked.name), "value": text(asked.value)}


def _value_words(asked: dict[str, str]) -> str:
    sign = "=" if asked["type"] == "Exact" else "~"
    return f"{asked['name']}{sign}{asked['value']}"


def _field_data(field: tuple[bytes, bytes]) -> dict[str, str]:
    return {"name": text(field[0]), "value": text(field[1])}


def _path_data(path: PathModifier | None) -> dict[str, str] | None:
    if path is None:
        return None
    if path.kind == "full":
        return {"type": "ReplaceFullPath", "replaceFullPath": text(path.value)}
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": text(path.value)}
