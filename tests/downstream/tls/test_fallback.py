"""FallbackEngine in memory, beside what the engine of the standard library does in its place."""

import ssl
from collections.abc import Callable

import pytest

from proxy.downstream.tls.contexts import CIPHERS, server_context
from proxy.downstream.tls.fallback import FallbackEngine, fallback_context
from proxy.snapshot.certificate import Certificate
from proxy.tls.engine import PIECE, Engine, MemoryEngine, TLSFailure
from tests.certificates import client_context, issued, pair, shows

ONE, CA = pair("one.example"), pair("ca")
ALICE = issued(CA, "alice")
BOTH = pytest.mark.parametrize("engine", ["memory", "fallback"])


def new(engine: str = "fallback") -> Engine:
    if engine == "memory":
        return MemoryEngine(server_context(ONE.certificate))
    return FallbackEngine(fallback_context(ONE.certificate, CA.chain))


class Client:
    """A library's client at the other end, with its handshake done."""

    def __init__(self, engine: Engine, context: ssl.SSLContext | None = None) -> None:
        self.engine = engine
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or client_context(ONE)).wrap_bio(self._in, self._out, server_hostname="one.example")
        while not self._shaken():
            pass
        self.reads()

    def _shaken(self) -> bool:
        sent = self.does(self.tls.do_handshake)
        self.engine.feed(sent)
        try:
            done = self.engine.handshake()
        finally:
            self.hears()
        return done

    def does(self, what: Callable[[], object]) -> bytes:
        """What it then sends."""
        try:
            what()
        except ssl.SSLWantReadError:
            pass
        return self._out.read()

    def hears(self) -> None:
        self._in.write(self.engine.take())

    def reads(self) -> bytes:
        pieces = []
        try:
            while piece := self.tls.read(PIECE):
                pieces.append(piece)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return b"".join(pieces)


def read_all(engine: Engine) -> list[bytes]:
    pieces = []
    while engine.unread and (piece := engine.read()):
        pieces.append(piece)
    return pieces


@BOTH
@pytest.mark.parametrize(
    ("offered", "agreed"), [([], b""), (["h2", "http/1.1"], b"h2"), (["http/1.1"], b"http/1.1"), (["x"], b"")]
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_was_agreed_on(engine: str, offered: list[str], agreed: bytes, version: ssl.TLSVersion) -> None:
    context = client_context(ONE)
    context.maximum_version = version
    if offered:
        context.set_alpn_protocols(offered)
    client = Client(new(engine), context)
    assert (client.engine.alpn, client.engine.version) == (agreed, client.tls.version())


@BOTH
@pytest.mark.parametrize("size", [1, 16_384, 16_385, PIECE, PIECE + 1, 3 * PIECE])
def test_what_is_written_arrives(engine: str, size: int) -> None:
    client = Client(new(engine))
    sent = bytes(number % 256 for number in range(256)) * (size // 256 + 1)
    for data in (sent[:size], bytearray(sent[:size]), memoryview(sent)[:size]):
        client.engine.write(data)
        client.hears()
        assert client.reads() == sent[:size]
    assert client.engine.take() == b""


@BOTH
def test_what_comes_is_read_in_pieces_and_says_when_there_is_no_more(engine: str) -> None:
    client = Client(new(engine))
    client.engine.feed(b"".join(client.does(lambda: client.tls.write(bytes(16_384))) for _ in range(40)))
    pieces = read_all(client.engine)
    assert sum(map(len, pieces)) == 40 * 16_384
    assert max(map(len, pieces)) == PIECE
    assert not client.engine.unread and not client.engine.ended


@BOTH
def test_half_a_record_is_waited_for(engine: str) -> None:
    client = Client(new(engine))
    record = client.does(lambda: client.tls.write(b"hello"))
    client.engine.feed(record[:10])
    assert client.engine.read() == b""
    assert not client.engine.unread and not client.engine.ended
    client.engine.feed(record[10:])
    assert client.engine.read() == b"hello"


@BOTH
def test_the_end_comes_after_what_was_sent_before_and_the_other_direction_is_open_still(engine: str) -> None:
    client = Client(new(engine))
    client.engine.feed(client.does(lambda: client.tls.write(b"last")) + client.does(client.tls.unwrap))
    assert client.engine.read() == b"last"
    assert client.engine.read() == b"" and client.engine.ended and not client.engine.unread
    client.engine.write(b"answer")
    client.hears()
    assert client.reads() == b"answer"


@BOTH
def test_closing_says_so_and_waits_for_nobody(engine: str) -> None:
    client = Client(new(engine))
    client.engine.close()
    client.hears()
    assert client.tls.read(1) == b""  # the end; one that was not said would ask for more


@BOTH
def test_damage_is_a_failure_with_an_alert(engine: str) -> None:
    client = Client(new(engine))
    record = client.does(lambda: client.tls.write(b"hello"))
    client.engine.feed(record[:-1] + bytes([record[-1] ^ 1]))
    with pytest.raises(TLSFailure, match="protocol_error"):
        client.engine.read()
    assert client.engine.take()


@BOTH
def test_why_there_is_no_connection(engine: str) -> None:
    context = client_context(ONE)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA256")
    made = new(engine)
    with pytest.raises(TLSFailure, match="no_shared_cipher"):
        Client(made, context)


@BOTH
def test_a_client_that_does_not_trust_us_says_so(engine: str) -> None:
    made, context = new(engine), client_context(CA)
    with pytest.raises(ssl.SSLCertVerificationError):
        Client(made, context)


def test_everybody_is_asked_and_nobody_kept_out() -> None:
    for shown, fault in (((), "client_certificate_missing"), ((ALICE,), ""), ((ONE,), "client_certificate_untrusted")):
        context = shows(client_context(ONE), *shown) if shown else client_context(ONE)
        assert Client(new(), context).engine.tolerated == fault


def test_what_each_client_showed_is_its_own() -> None:
    context = fallback_context(ONE.certificate, CA.chain)
    first = Client(FallbackEngine(context), shows(client_context(ONE), ONE))
    second = Client(FallbackEngine(context), shows(client_context(ONE), ALICE))
    assert (first.engine.tolerated, second.engine.tolerated) == ("client_certificate_untrusted", "")


def test_old_ciphers_are_not_spoken() -> None:
    for cipher in CIPHERS.split(":"):
        context = client_context(ONE)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(cipher)
        if "ECDSA" in cipher:
            assert Client(new(), context).tls.cipher() is not None


def test_what_the_library_does_not_take_is_a_failure_of_the_handshake_only() -> None:
    with pytest.raises(TLSFailure, match="no_certificate"):
        fallback_context(Certificate(ONE.chain, CA.key), CA.chain)
    with pytest.raises(TLSFailure, match="no_certificate"):
        fallback_context(ONE.certificate, b"none")
