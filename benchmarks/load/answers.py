"""What the steady client (native/steady.c) wrote down, and what may be said of it."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """How one request ended. Times are nanoseconds of CLOCK_MONOTONIC (time.monotonic_ns)."""

    sent: int
    end: int
    outcome: str
    """ok, refused, reset, closed, wrong or timeout; see steady.c."""
    fresh: bool
    """The first request of its connection."""
    status: int
    mark: int
    """The configuration's mark in the answer, -1 without one."""
    close: bool
    """The answer said Connection: close."""

    @property
    def good(self) -> bool:
        """A whole 200."""
        return self.outcome == "ok" and self.status == 200

    @property
    def connected(self) -> bool:
        """Its connection's handshake was finished."""
        return self.outcome != "refused"


def parse(lines: Iterable[str]) -> list[Answer]:
    """steady's output, ordered by the time of sending."""
    return sorted(map(_parse_line, lines), key=lambda answer: answer.sent)


def _parse_line(line: str) -> Answer:
    sent, end, outcome, fresh, status, mark, close = line.split()
    return Answer(int(sent), int(end), outcome, fresh == "1", int(status), int(mark), close == "1")


def failures(answers: Iterable[Answer]) -> Counter[str]:
    """Everything that is not a whole 200, counted by what it was instead."""
    return Counter(_failure(answer) for answer in answers if not answer.good)


def _failure(answer: Answer) -> str:
    what = f"status {answer.status}" if answer.outcome == "ok" else answer.outcome
    return f"{what} ({'new' if answer.fresh else 'kept'} connection)"


@dataclass(frozen=True)
class Acknowledged:
    """At `at` it was known that every worker had acknowledged the configuration that carries `mark`."""

    at: int
    mark: int


def outdated(answers: Iterable[Answer], acknowledgements: Sequence[Acknowledged]) -> list[Answer]:
    """Whole answers to requests sent after an acknowledgement that carry an older mark.

    `acknowledgements` are in order of time, their marks ascending.
    """
    times = [acknowledged.at for acknowledged in acknowledgements]
    found = []
    for answer in answers:
        passed = bisect_left(times, answer.sent)  # so many acknowledgements came strictly before it was sent
        if answer.good and passed and answer.mark < acknowledgements[passed - 1].mark:
            found.append(answer)
    return found


def percentile_ms(answers: Iterable[Answer], share: float) -> float:
    """Milliseconds from sending to the last octet, of whole answers; 0.0 when there are none."""
    times = sorted(answer.end - answer.sent for answer in answers if answer.good)
    return times[min(len(times) - 1, int(len(times) * share))] / 1e6 if times else 0.0
