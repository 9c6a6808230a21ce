"""A comparison as plain data, each witness as a command that anyone can run."""

from hashlib import sha256
from shlex import quote
from typing import Any
from urllib.parse import quote_from_bytes

from proxy.analysis.asking import AT_HOST, query_of
from proxy.analysis.changes import Asked, Change, Comparison, Open, Outcome
from proxy.analysis.effect import ANSWERS, Effect, Target
from proxy.analysis.location import location_of
from proxy.routing.conditions import HEADER
from proxy.snapshot.certificate import ClientValidation
from proxy.snapshot.describe import budget_data, filter_data, policy_data, text
from proxy.snapshot.question import WELL_KNOWN
from proxy.snapshot.route import DirectResponse, Filter, Redirect, Rule

Data = dict[str, Any]

_PATH_SAFE = "/!$&'()*+,;=:@~%\"<>[]\\^`{|}"
"""What the path of a witness holds is sent as it is."""


def comparison_data(comparison: Comparison) -> Data:
    """What `penstock diff --json` prints."""
    return {
        "same": comparison.same,
        "changes": [_change_data(change) for change in comparison.changes],
        "undecided": [_open_data(one) for one in comparison.undecided],
        "notes": [note._asdict() for note in comparison.notes],
    }


def _change_data(change: Change) -> Data:
    return {
        "request": request_data(change.asked),
        "old": outcome_data(change.old) | _location(change.asked, change.old),
        "new": outcome_data(change.new) | _location(change.asked, change.new),
        "places": change.places,
    }


def _location(asked: Asked, outcome: Outcome) -> Data:
    """Where a redirect sends the witness."""
    if outcome.effect is None or not any(isinstance(one, Redirect) for one in outcome.effect.filters):
        return {}
    scheme = "https" if asked.secure else "http"
    return {"location": text(location_of(outcome.effect.filters, scheme, asked.port, asked.host, asked.witness))}


def _open_data(one: Open) -> Data:
    return {"old": outcome_data(one.old), "new": outcome_data(one.new), "why": one.why}


# --- requests ---------------------------------------------------------------------------------


def request_data(asked: Asked) -> Data:
    witness = asked.witness
    headers = [[text(name), text(value)] for name, value in _headers(asked)]
    return {
        "method": text(witness.method),
        "url": _url(asked),
        "headers": headers,
        "address": asked.address or None,
        "curl": _curl(asked, headers),
    }


def _headers(asked: Asked) -> list[tuple[bytes, bytes]]:
    """Beside those that every client sends; Host only where it does not say what the URL does."""
    fields = [(place[1], value) for place, value in asked.witness.values.items() if place[0] == HEADER]
    host = asked.witness.values.get(AT_HOST, asked.host)
    others = [field for field in fields if field[0] != b"host"]
    return others if host == asked.server_name else [(b"host", host), *others]


def _url(asked: Asked) -> str:
    scheme = "https" if asked.secure else "http"
    host = text(asked.server_name)
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    port = "" if WELL_KNOWN[scheme] == asked.port else f":{asked.port}"
    query = query_of(asked.witness)
    path = quote_from_bytes(asked.witness.path, _PATH_SAFE)
    return f"{scheme}://{host}{port}{path}" + (f"?{text(query)}" if query is not None else "")


def _curl(asked: Asked, headers: list[list[str]]) -> str:
    url = _url(asked)
    words = ["curl"]
    if any(mark in url for mark in "[]{}"):
        words.append("-g")
    method = text(asked.witness.method)
    if method == "HEAD":
        words.append("-I")
    elif method != "GET":
        words += ["-X", method]
    for name, value in headers:
        words += ["-H", f"{name}: {value}" if value else f"{name};"]
    if asked.address:
        address = f"[{asked.address}]" if ":" in asked.address else asked.address
        words += ["--connect-to", f"::{address}:"]
    return " ".join(map(quote, [*words, url]))


# --- outcomes ---------------------------------------------------------------------------------


def outcome_data(outcome: Outcome) -> Data:
    """What becomes of a request: `status` where the gateway answers by itself, else null."""
    data: Data = {"outcome": outcome.what, "listener": outcome.listener or None, "status": _status(outcome)}
    if outcome.address:
        data["address"] = outcome.address
    if outcome.what == "rule":
        assert outcome.rule is not None
        assert outcome.effect is not None
        data |= _rule_data(outcome.rule, outcome.match, outcome.effect)
    elif outcome.what == "listener":
        data["clients"] = _clients_data(outcome.clients)
    return data


def _status(outcome: Outcome) -> int | None:
    if outcome.effect is None:
        return {"not found": 404, "misdirected": 421}.get(outcome.what)
    for one in outcome.effect.filters:
        if isinstance(one, ANSWERS):
            return one.status
    nowhere = all(not target.backend for _, target in outcome.effect.shares)
    return 500 if nowhere else None


def _rule_data(rule: Rule, match: int, effect: Effect) -> Data:
    total = sum(weight for weight, _ in effect.shares)
    shares = sorted(effect.shares, key=lambda share: -share[0])
    return {
        "route": rule.route,
        "rule": rule.index,
        "rule_name": rule.name or None,
        "match": match,
        "filters": [_filter_data(one) for one in effect.filters],
        "beside": [_target_data(target, 100) for target in effect.beside],
        **policy_data(rule),
        "backends": [_target_data(target, 100 * weight / total) for weight, target in shares],
    }


def _filter_data(one: Filter) -> Data:
    """A body may be long: two that differ are told apart by what they weigh and their digest."""
    data = filter_data(one)
    if isinstance(one, DirectResponse):
        del data["name"]
        data["body"] = f"{len(one.body)} octets, sha256 {sha256(one.body).hexdigest()[:12]}"
    return data


def _target_data(target: Target, percent: float) -> Data:
    """A share of requests; without a backend it is answered with 500."""
    data: Data = {
        "backend": target.backend or None,
        "percent": round(percent, 2),
        "protocol": target.protocol or None,
        "filters": [_filter_data(one) for one in target.filters],
        "tls": None,
        "retry_budget": budget_data(target.budget),
        "endpoints": [
            f"[{at.host}]:{at.port}" if ":" in at.host else f"{at.host}:{at.port}" for at in target.endpoints
        ],
    }
    if target.security is not None:
        data["tls"] = {
            "server_name": target.security.server_name,
            "names": [name.value for name in target.security.names],
            "authorities": [digest[:12] for digest in target.security.bundles],
            "certificate": target.security.certificate,
        }
    return data


def _clients_data(clients: ClientValidation | None) -> Data | None:
    if clients is None:
        return None
    mode = "AllowInsecureFallback" if clients.insecure_fallback else "AllowValidOnly"
    return {"mode": mode, "authorities": [digest[:12] for digest in clients.bundles]}
