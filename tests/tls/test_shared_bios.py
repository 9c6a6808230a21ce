"""Engines that reach the library through the same two BIOs, in turns: none of them sees an octet of another."""

import ssl
from collections.abc import Callable

import pytest

from proxy.downstream.tls.contexts import server_context
from proxy.tls.engine import PIECE, MemoryEngine, SharedBIOs, TLSFailure
from tests.certificates import client_context
from tests.tls.test_engine import ONE, Client, connected, read_all

RECORD = 16_384


def are_empty(bios: SharedBIOs) -> bool:
    return not bios.incoming.pending and not bios.outgoing.pending


class Conversation:
    """A handshake that goes on by a few octets at a time, then a word each way."""

    def __init__(self, version: ssl.TLSVersion, bios: SharedBIOs) -> None:
        context = client_context(ONE)
        context.maximum_version = version
        self.client = Client(context)
        self.engine = MemoryEngine(server_context(ONE.certificate), bios=bios)
        self.done = False
        self._coming = self.client.does(self.client.tls.do_handshake)

    def go_on(self, size: int) -> None:
        piece, self._coming = self._coming[:size], self._coming[size:]
        self.engine.feed(piece)
        self.done = self.engine.handshake()
        self.client.hears(self.engine.take())
        if not self._coming:
            self._coming = self.client.does(self.client.tls.do_handshake)

    def greet(self, word: bytes) -> tuple[bytes, bytes]:
        """What each end has read."""
        self.engine.feed(self.client.does(lambda: self.client.tls.write(b"from client " + word)))
        heard = self.engine.read()
        self.engine.write(b"from engine " + word)
        self.client.hears(self.engine.take())
        return heard, self.client.reads()


def test_handshakes_at_once() -> None:
    bios = SharedBIOs()
    versions = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3) * 2
    talks = [Conversation(version, bios) for version in versions]
    given_up = [Conversation(ssl.TLSVersion.TLSv1_3, bios)]
    while waiting := [talk for talk in talks if not talk.done]:
        for size, talk in enumerate(waiting, 41):
            talk.go_on(size)
            assert are_empty(bios)
        while given_up:
            given_up.pop().go_on(500)  # and its engine goes while the others shake hands
    for number, talk in enumerate(talks):
        word = b"%d" % number
        assert talk.greet(word) == (b"from client " + word, b"from engine " + word)
        assert talk.engine.version.startswith("TLSv1.")


def half_a_record(engine: MemoryEngine, client: Client) -> Callable[[], None]:
    record = client.does(lambda: client.tls.write(b"hello"))
    engine.feed(record[:10])
    assert engine.read() == b""

    def goes_on() -> None:
        engine.feed(record[10:])
        assert engine.read() == b"hello"

    return goes_on


def more_than_a_piece(engine: MemoryEngine, client: Client) -> Callable[[], None]:
    engine.feed(b"".join(client.does(lambda: client.tls.write(bytes(RECORD))) for _ in range(40)))
    assert len(engine.read()) == PIECE and engine.unread

    def goes_on() -> None:
        assert sum(map(len, read_all(engine))) == 40 * RECORD - PIECE

    return goes_on


def fed_and_not_read(engine: MemoryEngine, client: Client) -> Callable[[], None]:
    engine.feed(client.does(lambda: client.tls.write(b"hello")))
    engine.feed(client.does(lambda: client.tls.write(b" world")))

    def goes_on() -> None:
        assert engine.read() == b"hello world"

    return goes_on


def written_and_not_taken(engine: MemoryEngine, client: Client) -> Callable[[], None]:
    engine.write(bytes(PIECE))
    engine.write(b"end")

    def goes_on() -> None:
        client.hears(engine.take())
        assert client.reads() == bytes(PIECE) + b"end"

    return goes_on


def damage_with_more_behind_it(engine: MemoryEngine, client: Client) -> Callable[[], None]:
    record = client.does(lambda: client.tls.write(b"hello"))
    engine.feed(record[:-1] + bytes([record[-1] ^ 1]) + bytes(RECORD))
    with pytest.raises(TLSFailure, match="protocol_error"):
        engine.read()

    def goes_on() -> None:
        client.hears(engine.take())
        with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
            client.tls.read(1)

    return goes_on


def closed(engine: MemoryEngine, client: Client) -> Callable[[], None]:
    engine.close()

    def goes_on() -> None:
        client.hears(engine.take())
        assert client.tls.read(1) == b""

    return goes_on


@pytest.mark.parametrize(
    "left_at",
    [half_a_record, more_than_a_piece, fed_and_not_read, written_and_not_taken, damage_with_more_behind_it, closed],
)
def test_one_is_left_in_the_middle_while_another_works(
    left_at: Callable[[MemoryEngine, Client], Callable[[], None]],
) -> None:
    bios = SharedBIOs()
    other, its_client = connected(bios=bios)
    goes_on = left_at(*connected(bios=bios))
    assert are_empty(bios)
    other.feed(its_client.does(lambda: its_client.tls.write(b"question")))
    assert other.read() == b"question" and not other.unread
    other.write(b"answer")
    its_client.hears(other.take())
    assert its_client.reads() == b"answer"
    assert are_empty(bios)
    goes_on()


def test_a_refused_hello_leaves_nothing_behind() -> None:
    bios = SharedBIOs()
    refused = MemoryEngine(server_context(ONE.certificate), bios=bios)
    refused.feed(b"\x16\3\1\0\5\1\0\0\1\0" + bytes(300))
    with pytest.raises(TLSFailure):
        refused.handshake()
    assert are_empty(bios)
    other, its_client = connected(bios=bios)
    other.write(b"answer")
    its_client.hears(other.take())
    assert its_client.reads() == b"answer"
    assert refused.take()
