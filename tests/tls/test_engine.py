"""An engine in memory, with the library's client at its other end: octets in, octets out."""

import ssl
from collections.abc import Callable

import pytest

from proxy.downstream.tls.contexts import server_context
from proxy.tls.engine import PIECE, Engine, MemoryEngine, SharedBIOs, TLSFailure
from tests.certificates import client_context, pair

ONE = pair("one.example")


class Client:
    """The other end."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname="one.example")

    def does(self, what: Callable[[], object]) -> bytes:
        """What it then sends; that it needs more is no failure."""
        try:
            what()
        except ssl.SSLWantReadError:
            pass
        return self._out.read()

    def hears(self, data: bytes) -> None:
        self._in.write(data)

    def reads(self) -> bytes:
        pieces = []
        try:
            while piece := self.tls.read(PIECE):
                pieces.append(piece)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return b"".join(pieces)


def connected(context: ssl.SSLContext | None = None, bios: SharedBIOs | None = None) -> tuple[MemoryEngine, Client]:
    engine = MemoryEngine(server_context(ONE.certificate), bios=bios)
    client = Client(context or client_context(ONE))
    for _ in range(3):
        engine.feed(client.does(client.tls.do_handshake))
        done = engine.handshake()
        client.hears(engine.take())
        if done:
            client.reads()
            return engine, client
    raise AssertionError("the handshake has no end")


def read_all(engine: Engine) -> list[bytes]:
    pieces = []
    while engine.unread and (piece := engine.read()):
        pieces.append(piece)
    return pieces


@pytest.mark.parametrize(("offered", "agreed"), [([], b""), (["h2", "http/1.1"], b"h2"), (["http/1.1"], b"http/1.1")])
def test_what_was_agreed_on(offered: list[str], agreed: bytes) -> None:
    context = client_context(ONE)
    if offered:
        context.set_alpn_protocols(offered)
    engine, _ = connected(context)
    assert (engine.alpn, engine.version) == (agreed, "TLSv1.3")


@pytest.mark.parametrize("size", [1, 16_384, 16_385, PIECE, PIECE + 1, 3 * PIECE])
def test_what_is_written_arrives(size: int) -> None:
    engine, client = connected()
    sent = bytes(number % 256 for number in range(256)) * (size // 256 + 1)
    engine.write(sent[:size])
    client.hears(engine.take())
    assert client.reads() == sent[:size]
    assert engine.take() == b""


def test_what_comes_is_read_in_pieces_and_says_when_there_is_no_more() -> None:
    engine, client = connected()
    engine.feed(b"".join(client.does(lambda: client.tls.write(bytes(16_384))) for _ in range(40)))
    pieces = read_all(engine)
    assert sum(map(len, pieces)) == 40 * 16_384
    assert len(pieces) == 3 and max(map(len, pieces)) == PIECE
    assert not engine.unread and not engine.ended


def test_half_a_record_is_waited_for() -> None:
    engine, client = connected()
    record = client.does(lambda: client.tls.write(b"hello"))
    engine.feed(record[:10])
    assert engine.read() == b""
    assert not engine.unread and not engine.ended
    engine.feed(record[10:])
    assert engine.read() == b"hello"


def test_the_end_comes_after_what_was_sent_before() -> None:
    engine, client = connected()
    engine.feed(client.does(lambda: client.tls.write(b"last")) + client.does(client.tls.unwrap))
    assert engine.read() == b"last"
    assert engine.read() == b"" and engine.ended
    engine.write(b"answer")  # the other direction is open still
    client.hears(engine.take())
    assert client.reads() == b"answer"


def test_closing_says_so_and_waits_for_nobody() -> None:
    engine, client = connected()
    engine.close()
    client.hears(engine.take())
    assert client.tls.read(1) == b""  # the end; one that was not said would ask for more


def test_damage_is_a_failure_with_an_alert() -> None:
    engine, client = connected()
    record = client.does(lambda: client.tls.write(b"hello"))
    engine.feed(record[:-1] + bytes([record[-1] ^ 1]))
    with pytest.raises(TLSFailure, match="protocol_error"):
        engine.read()
    assert engine.take()


def test_why_there_is_no_connection() -> None:
    context = client_context(ONE)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA256")
    client = Client(context)
    hello = client.does(client.tls.do_handshake)
    older = hello[:9] + b"\x03\x01" + hello[11:]  # as a client of TLS 1.0 would say it
    for octets, reason in ((hello, "no_shared_cipher"), (older, "unsupported_version")):
        engine = MemoryEngine(server_context(ONE.certificate))
        engine.feed(octets)
        with pytest.raises(TLSFailure, match=reason):
            engine.handshake()
        assert engine.take()
