"""The micro benchmarks: their arithmetic, and that every case runs."""

import pytest

from benchmarks.micro import codecs, exchange, messages
from benchmarks.micro.compare import keep_smallest, table
from benchmarks.micro.timing import Timed, Work, as_text, interleaved
from benchmarks.micro.wired import Wire
from proxy.protocol.framing import ChunkedDecoder


def recorder(calls: list[str], name: str) -> Work:
    def work(count: int) -> None:
        calls.append(name)
        sum(range(200 * count))

    return work


def test_slots_of_the_cases_alternate() -> None:
    calls: list[str] = []
    timed = interleaved({name: recorder(calls, name) for name in "ab"}, slots=3, slot_ns=100_000)
    assert "".join(calls).endswith("ababab")
    assert [case.name for case in timed] == ["a", "b"]
    assert all(0 < case.best <= case.median for case in timed)


def test_times_are_shown_in_fitting_units() -> None:
    text = as_text([Timed("small", 950, 1200), Timed("large", 20_000, 123_456)], "match")
    assert text.splitlines()[0].endswith("of CPU time per match")
    assert "950 ns" in text and "20.0 µs" in text and "123.5 µs" in text


def test_chunked_messages_hold_what_they_say() -> None:
    decoder = ChunkedDecoder(ValueError, 272, 8192)  # type: ignore[arg-type]
    assert decoder.feed(messages.chunks(10_000, 4096)) == b"x" * 10_000
    assert decoder.done


def test_a_message_is_read_in_pieces() -> None:
    assert [len(piece) for piece in messages.reads(b"x" * 10, 4)] == [4, 4, 2]


@pytest.mark.parametrize("case", exchange.works().items(), ids=lambda case: case[0])
def test_exchanges_are_answered(case: tuple[str, Work]) -> None:
    case[1](3)


@pytest.mark.parametrize("case", codecs.works().items(), ids=lambda case: case[0])
def test_codecs_read_and_write_every_message(case: tuple[str, Work]) -> None:
    case[1](3)


def test_a_wire_uses_one_connection_to_the_endpoint() -> None:
    wire = Wire()
    asked, answer = [messages.get()], [messages.answer(200)]
    assert wire.first_exchange(asked, answer).startswith(b"HTTP/1.1 200 OK\r\n")
    wire.from_client(asked[0])
    wire.from_endpoint(answer[0])
    assert len(wire.loop.dialed) == 1


def test_comparison_keeps_the_smallest_of_all_rounds() -> None:
    best = {"get": 20.0}
    keep_smallest(best, {"get": 18.0, "post": 30.0})
    keep_smallest(best, {"get": 25.0, "post": 29.0})
    assert best == {"get": 18.0, "post": 29.0}


def test_comparison_shows_ours_over_theirs() -> None:
    lines = table("v0.1.0", {"get": 20_000.0}, {"get": 15_000.0, "new": 9_000.0})
    assert lines[1].split() == ["get", "20.00", "µs", "15.00", "µs", "0.75"]
    assert lines[2].split() == ["new", "–", "9.00", "µs", "–"]
