"""An engine that has said its end: everything before and after is read, nothing is written."""

import ssl

import pytest

from proxy.tls.engine import MemoryEngine, TLSFailure
from proxy.tls.half_closed import HalfClosed
from tests.certificates import client_context, pair, server_side

ONE = pair("one.example")


def connected(version: ssl.TLSVersion) -> tuple[MemoryEngine, MemoryEngine]:
    context = client_context(ONE)
    context.maximum_version = version
    client, server = MemoryEngine(context, "one.example"), MemoryEngine(server_side(ONE))
    done = False
    while not done:
        done = client.handshake()
        server.feed(client.take())
        server.handshake()
        client.feed(server.take())
    client.read()
    return client, server


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_waits_to_be_read_is_not_lost(version: ssl.TLSVersion) -> None:
    client, server = connected(version)
    server.write(b"before")
    client.feed(server.take())
    half = HalfClosed(client)
    server.feed(half.take())
    assert (server.read(), server.ended) == (b"", True)
    server.write(b"after")
    server.close()
    half.feed(server.take())
    assert (half.unread, half.ended) == (True, False)
    assert [half.read(), half.read(), half.read()] == [b"before", b"after", b""]
    assert half.ended and half.handshake()
    assert (half.version, half.alpn) == (client.version, b"")


def test_nothing_is_written_after_the_end() -> None:
    client, _ = connected(ssl.TLSVersion.TLSv1_3)
    half = HalfClosed(client)
    assert half.take()
    half.write(b"more")
    half.close()
    assert half.take() == b""


def test_what_is_not_to_be_trusted_is_said_at_once() -> None:
    client, server = connected(ssl.TLSVersion.TLSv1_3)
    server.write(b"before")
    sealed = bytearray(server.take())
    sealed[-1] ^= 1
    client.feed(bytes(sealed))
    with pytest.raises(TLSFailure):
        HalfClosed(client)
