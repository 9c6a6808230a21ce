"""All that can become of one request, read from its explanation: an answer of the gateway's own, or a backend."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

Data = dict[str, Any]
Fields = dict[str, list[str]]
"""Lower-case name to its values, in order."""


class Way(Struct, frozen=True):
    """One thing that can become of a request."""

    percent: float
    backend: str = ""
    """NAMESPACE/NAME:PORT; "" when the rule answers before one is chosen."""
    status: int | None = None
    """Of the gateway's own answer; None: the backend answers, or nobody does."""
    why: str = ""
    """Why it answers itself, when that is a fault."""
    location: str | None = None
    path: str = ""
    """"" where nothing is forwarded."""
    host: str = ""
    headers: Fields = field(default_factory=dict)
    """Of the request as it is forwarded, or of the gateway's own answer."""
    response_headers: Fields = field(default_factory=dict)
    """What filters put on a response without fields."""
    mirrors: dict[str, float] = field(default_factory=dict)
    """Backend to percent of the requests that are copied to it."""


def ways(told: Data, responses: list[Fields]) -> list[Way]:
    """In the order of the backends; together 100 %. `responses`: what filters put on those of each backend."""
    if told["winner"] is not None and "answer" in told:
        return [_answered(told, told["outcomes"][0])]
    if told["winner"] is not None and any(backend["weight"] for backend in told["backends"]):
        return list(_backends(told, responses))
    return [_unserved(told, one) for one in told["outcomes"]]


def _unserved(told: Data, outcome: Data) -> Way:
    """No rule, no backend, or not even a connection: then what was refused says more."""
    why: str = outcome["why"]
    return Way(100.0, status=outcome["status"], why=why if outcome["status"] else told.get("refused", why))


def _answered(told: Data, outcome: Data) -> Way:
    """A filter answers. What is no fault needs no reason."""
    answer = told["answer"]
    why = outcome["why"] if outcome["reason"] else ""
    fields = fields_of(answer.get("headers", ()))
    if answer["location"] is not None:
        fields["location"] = [answer["location"]]
    return Way(100.0, status=answer["status"], why=why, location=answer["location"], headers=fields)


def _backends(told: Data, responses: list[Fields]) -> Iterator[Way]:
    total = sum(backend["weight"] for backend in told["backends"])
    mirrors = _mirrors(told["filters"])
    for backend, response in zip(told["backends"], responses, strict=True):
        percent = 100 * backend["weight"] / total
        if not backend["weight"]:
            continue
        if "answer" in backend:
            yield replace(_answered(backend, backend["outcome"]), percent=percent, backend=backend["backend"])
            continue
        outcome = backend["outcome"]
        forwarded = outcome["status"] != 500
        yield Way(
            percent,
            backend["backend"],
            outcome["status"],
            outcome["why"] if outcome["status"] is not None else "",
            path=backend["target"] if forwarded else "",
            host=backend["host"] if forwarded else "",
            headers=fields_of(backend["forwards"]["headers"]) if forwarded else {},
            response_headers=response if forwarded else {},
            mirrors=mirrors | _mirrors(backend["filters"]) if forwarded else {},
        )


def _mirrors(filters: Iterable[Data]) -> dict[str, float]:
    return {one["backend"]: one["copy"]["percent"] for one in filters if "copy" in one}


def fields_of(pairs: Iterable[Any]) -> Fields:
    """Of (name, value) pairs."""
    fields: Fields = {}
    for name, value in pairs:
        fields.setdefault(name.lower(), []).append(value)
    return fields
