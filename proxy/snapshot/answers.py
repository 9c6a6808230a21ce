"""Answers of the gateway's own, as an explanation tells them: with the words of the access log."""

from collections.abc import Iterable
from typing import Any

from proxy.errors import ProxyError
from proxy.filters import build_chain
from proxy.filters.base import FilterContext
from proxy.protocol.message import Reply
from proxy.snapshot.describe import text
from proxy.snapshot.route import Filter

Data = dict[str, Any]


def by_error(error: ProxyError) -> Data:
    """A failure: status, `flags` and `reason` are those of the access log, `why` is for people."""
    return {"status": error.status, "flags": error.flag, "reason": error.reason, "why": error.detail or error.reason}


def by_filter(status: int) -> Data:
    return {"status": status, "flags": "", "reason": "", "why": "a filter answers"}


def by_endpoint(backend: str) -> Data:
    """No failure that is known beforehand: the status is the endpoint's affair."""
    return {"status": None, "flags": "", "reason": "", "why": "an endpoint answers", "backend": backend}


def closed(why: str) -> Data:
    """No answer at all."""
    return {"status": None, "flags": "", "reason": "", "why": why}


def certain(outcome: Data) -> list[Data]:
    """The one thing that happens."""
    return [{"percent": 100.0, **outcome}]


def reply_answer(reply: Reply, chains: Iterable[tuple[Filter, ...]], context: FilterContext) -> Data:
    """A redirect by its Location, anything else by its fields. `chains`: filters that have a word on own answers."""
    reply = Reply(reply.status, list(reply.headers), reply.body)
    for filters in chains:
        for step in build_chain(filters).on_reply:
            step(reply, context)
    location = dict(reply.headers).get(b"location")
    fields = [[text(n), text(v)] for n, v in reply.headers if location is None or n not in _OF_EVERY_REDIRECT]
    answer = {"status": reply.status, "location": None if location is None else text(location)}
    return answer | {"headers": fields} if fields or location is None else answer


_OF_EVERY_REDIRECT = (b"location", b"content-type")
