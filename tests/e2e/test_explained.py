"""Explanations tell the truth: what is explained is what the data plane does, in whatever configuration.

The proof that people may trust an explanation more than a log: generated worlds and requests, each explained
and then really sent, compared in status, flags, reason, names, endpoint, Location and the forwarded head.
"""

import asyncio
import re
from collections import Counter
from math import gcd
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pytest import approx

from proxy.admin.explain import gateway_wide
from proxy.downstream.settings import DataPlaneSettings
from proxy.snapshot.question import REQUEST_ID, Asked
from proxy.sources.file import load_text
from proxy.translate.explain.explain import Explained, explain
from tests.e2e.truth import QUESTIONS, SOUND, Plane, Seen, World, worlds

Data = dict[str, Any]
SERVICES = list(load_text("".join(SOUND.replace("NAME", name) for name in "ab")).resources)
AT_MOST = 12
"""Requests in which the shares of all backends are counted."""


def explained(world: World, asked: Asked) -> Data:
    wide = gateway_wide(DataPlaneSettings(trusted_proxies=world.trusted))
    return explain(Explained(world.translation(), wide), asked)


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(worlds(SERVICES), st.lists(QUESTIONS, min_size=8, max_size=8))
def test_what_is_explained_is_what_happens(world: World, questions: list[Asked]) -> None:
    asyncio.run(_compared(world, questions))


async def _compared(world: World, questions: list[Asked]) -> None:
    for asked in questions:
        told = explained(world, asked)
        event(_kind(told))
        if told["addresses"] and (told["tls"] is None or told["tls"]["listener"] is not None):
            _really(Plane(world), asked, told)  # else no request is ever read


def _really(plane: Plane, asked: Asked, told: Data) -> None:
    (bind,) = [one for one in plane.snapshot.binds if one.port == told["port"]]
    seen = [plane.ask(bind, told["port"], asked) for _ in range(_rounds(told))]
    for one in seen:
        _same(told, one)
    if len(seen) > 1:
        _same_shares(told["backends"], seen)


def _kind(told: Data) -> str:
    """For --hypothesis-show-statistics: how much of what there is was met."""
    if "refused" in told:
        return f"refused: {told['outcomes'][0]['status']}"
    if told["winner"] is None:
        return "no rule"
    if "answer" in told:
        return f"a filter answers: {told['answer']['status']}"
    shares = sorted({str(one["outcome"]["status"]) for one in told["backends"] if one["percent"]})
    filters = [one["type"] for one in told["filters"]] + [f["type"] for one in told["backends"] for f in one["filters"]]
    return f"forwarded: {', '.join(shares)}" + (", filtered" if filters else "")


def _rounds(told: Data) -> int:
    """Enough for every backend to have had its turns, if that is not too many."""
    weights = [backend["weight"] for backend in told.get("backends", ())]
    rounds = sum(weights) // (gcd(*weights) or 1)
    return rounds if 0 < rounds <= AT_MOST else 1


def _same_shares(backends: list[Data], seen: list[Seen]) -> None:
    taken = Counter(one.record.backend for one in seen if one.record is not None)
    shares: Counter[str] = Counter()
    for backend in backends:
        shares[backend["backend"]] += backend["percent"]
    assert {name: approx(100 * count / len(seen), abs=0.02) for name, count in taken.items()} == {
        name: share for name, share in shares.items() if share
    }


def _same(told: Data, seen: Seen) -> None:
    """One answer, and what was sent on."""
    record, error = seen.record, seen.refused
    if record is None:
        assert error is not None
        assert told["winner"] is None
        assert _ended(told["outcomes"][0]) == (error.status, error.flag, error.reason)
        return
    assert told["client"] == record.client
    assert (told["listener"] or "") == f"{record.gateway}/{record.listener}".strip("/")
    if told["winner"] is None:
        assert (record.route, record.rule) == ("", "")
        assert _ended(told["outcomes"][0]) == (record.status, record.flags, record.reason)
        return
    winner = told["winner"]
    named = winner["route"], winner["rule_name"] or str(winner["rule"]), winner["match"]
    assert named == (record.route, record.rule, record.match)
    if "answer" in told:
        _same_answer(told["answer"], told["outcomes"][0], seen)
    elif not record.backend:
        assert _ended(told["outcomes"][0]) == (record.status, record.flags, record.reason)
    else:
        alike = [one for one in told["backends"] if one["backend"] == record.backend and one["percent"]]
        assert any(_is_what_happened(one, seen) for one in alike), (alike, seen)


def _ended(outcome: Data) -> tuple[int, str, str]:
    return outcome["status"], outcome["flags"], outcome["reason"]


def _same_answer(answer: Data, outcome: Data, seen: Seen) -> None:
    record = seen.record
    assert record is not None
    assert seen.forwarded == b""
    assert _ended(outcome) == (record.status, record.flags, record.reason)
    line, *fields = seen.answer.partition(b"\r\n\r\n")[0].decode("utf-8", "backslashreplace").split("\r\n")
    assert line.split()[1] == str(answer["status"])
    got = dict(field.partition(": ")[::2] for field in fields)
    assert got.get("location") == answer["location"]
    for name, value in answer.get("headers", ()):
        assert f"{name}: {value}" in fields


def _is_what_happened(backend: Data, seen: Seen) -> bool:
    record, outcome = seen.record, backend["outcome"]
    assert record is not None
    if outcome["status"] is not None:
        return seen.forwarded == b"" and _ended(outcome) == (record.status, record.flags, record.reason)
    sent = seen.forwarded.partition(b"\r\n\r\n")[0]
    made = re.compile(rb"\r\nx-request-id: [0-9a-f]{32}(?=\r\n|$)")
    sent = made.sub(b"\r\nx-request-id: " + REQUEST_ID, sent)
    told = backend["forwards"]
    lines = [told["request_line"], *(f"{name}: {value}" for name, value in told["headers"])]
    return (
        record.status == 200
        and record.endpoint in backend["endpoints"]
        and (backend["protocol"] == "h2" or sent.decode("utf-8", "backslashreplace") == "\r\n".join(lines))
    )
