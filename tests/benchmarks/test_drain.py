"""What counts as lost when the gateway is terminated."""

import pytest

from benchmarks.load.answers import Answer
from benchmarks.load.drain import Drain, verdict

SECOND = 1_000_000_000
DRAIN = Drain(terminated=10 * SECOND, unready=10 * SECOND, ended=13 * SECOND, exit_code=0, delay=2 * SECOND)


def answer(seconds: float, outcome: str = "ok", close: bool = True, fresh: bool = True, status: int = 200) -> Answer:
    sent = int(seconds * SECOND)
    return Answer(sent, sent + 1, outcome, fresh, status, 0, close)


NEW_ONE_DURING_THE_DELAY = answer(11)


@pytest.mark.parametrize(
    "harmless",
    [
        answer(5, close=False),
        answer(10.05, close=False),
        answer(12.5, outcome="refused"),
        answer(12.5),
    ],
)
def test_no_fault(harmless: Answer) -> None:
    assert list(verdict(DRAIN, [harmless, NEW_ONE_DURING_THE_DELAY])) == []


@pytest.mark.parametrize(
    ("lost", "fault"),
    [
        (answer(5, outcome="refused"), "refused before the drain delay was over"),
        (answer(11.9, outcome="refused"), "refused before the drain delay was over"),
        (answer(12.5, outcome="reset"), "reset (new connection)"),
        (answer(12.5, outcome="closed", fresh=False), "closed (kept connection)"),
        (answer(11, status=503), "status 503 (new connection)"),
        (answer(11, close=False), "answered without Connection: close"),
    ],
)
def test_faults(lost: Answer, fault: str) -> None:
    assert list(verdict(DRAIN, [lost, NEW_ONE_DURING_THE_DELAY])) == [fault]


def test_it_must_go_on_accepting_during_the_delay() -> None:
    assert list(verdict(DRAIN, [answer(11, fresh=False)])) == ["no new connection was answered during the drain delay"]


def test_the_gateway_must_say_that_it_drains_and_end_well() -> None:
    silent = Drain(DRAIN.terminated, 0, DRAIN.ended, 1, 0)
    assert list(verdict(silent, [])) == ["/readyz never said 503", "exit code 1"]
