"""Small writes of one turn leave in a row, in order, and never after their connection has ended."""

import asyncio
from collections.abc import Callable

from proxy.batch import DIRECT, WriteBatch


class Transport(asyncio.Transport):
    def __init__(self, log: list[tuple[str, bytes]], name: str) -> None:
        super().__init__()
        self._log = log
        self._name = name
        self.closing = False

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self._log.append((self._name, data))

    def abort(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing


class Turn:
    """A batch, two transports, and the end of the event loop's turn."""

    def __init__(self) -> None:
        self.log: list[tuple[str, bytes]] = []
        self.soon: list[Callable[[], None]] = []
        self.batch = WriteBatch(self.soon.append)
        self.one, self.two = Transport(self.log, "one"), Transport(self.log, "two")

    def ends(self) -> None:
        soon, self.soon[:] = list(self.soon), []
        for call in soon:
            call()


def test_writes_wait_for_the_end_of_the_turn_and_keep_their_order() -> None:
    turn = Turn()
    turn.batch.add(turn.one, b"a")
    turn.batch.add(turn.two, b"b")
    turn.batch.add(turn.one, b"c")
    assert (turn.log, len(turn.soon)) == ([], 1)
    turn.ends()
    assert turn.log == [("one", b"a"), ("two", b"b"), ("one", b"c")]
    turn.ends()
    assert len(turn.log) == 3


def test_a_large_write_is_not_overtaken_by_what_is_put_together_behind_it() -> None:
    """The same connection has more to say by the end of the turn."""
    turn = Turn()
    turn.batch.later(lambda: turn.batch.add(turn.one, b"behind"))
    turn.batch.add(turn.one, b"z" * DIRECT)
    assert turn.log == [("one", b"z" * DIRECT)]
    turn.ends()
    assert turn.log[1:] == [("one", b"behind")]


def test_a_large_write_goes_at_once_and_after_what_was_before_it() -> None:
    turn = Turn()
    turn.batch.add(turn.one, b"a")
    turn.batch.add(turn.one, b"z" * DIRECT)
    turn.batch.add(turn.one, b"c")
    assert turn.log == [("one", b"a"), ("one", b"z" * DIRECT)]
    turn.ends()
    assert turn.log[2:] == [("one", b"c")]


def test_what_is_held_is_bounded() -> None:
    turn = Turn()
    for _ in range(1000):
        turn.batch.add(turn.one, b"a")
    assert len(turn.log) > 700
    turn.ends()
    assert len(turn.log) == 1000


def test_a_connection_that_closes_meanwhile_gets_nothing_more() -> None:
    turn = Turn()
    turn.batch.add(turn.one, b"a")
    turn.batch.add(turn.two, b"b")
    turn.one.closing = True
    turn.ends()
    assert turn.log == [("two", b"b")]


def test_a_write_made_while_writing_goes_out_too() -> None:
    turn = Turn()
    write = turn.one.write

    def writes_more(data: bytes) -> None:
        write(data)
        if data == b"a":
            turn.batch.add(turn.two, b"again")

    turn.one.write = writes_more  # type: ignore[method-assign]
    turn.batch.add(turn.one, b"a")
    turn.ends()
    turn.ends()
    assert turn.log == [("one", b"a"), ("two", b"again")]


def test_a_transport_that_fails_takes_nobody_else_s_octets_with_it() -> None:
    turn = Turn()

    def fails(data: bytes) -> None:
        raise RuntimeError("Cannot call write() after write_eof()")

    turn.one.write = fails  # type: ignore[method-assign]
    turn.batch.add(turn.one, b"a")
    turn.batch.add(turn.two, b"b")
    turn.ends()
    assert ("two", b"b") in turn.log
    assert turn.one.is_closing(), "its own connection is lost"
