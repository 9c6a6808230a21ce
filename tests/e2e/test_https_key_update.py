"""KeyUpdate (RFC 8446 section 4.6.3): a client that changes its keys and has us change ours.

The standard library's client has no call for it, so its records are made here from the secrets it logs.
"""

from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tests.certificates import client_context, pair
from tests.e2e.gateway import rule, to
from tests.e2e.peers import Backend, Peer, ok
from tests.e2e.secure import SecureGateway, TLSClient
from tests.patience import eventually

ONE = pair("one.example")
HANDSHAKE, DATA = 22, 23
KEY_UPDATE = b"\x18\0\0\1"
UPDATE_REQUESTED, NOT_REQUESTED = b"\1", b"\0"


def expand(secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label without context (section 7.1)."""
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + b"\0"
    return HKDFExpand(SHA384(), length, info).derive(secret)


class Direction:
    """The records of one side under TLS_AES_256_GCM_SHA384 (section 5.2)."""

    def __init__(self, secret: bytes) -> None:
        self._begin(secret)

    def _begin(self, secret: bytes) -> None:
        self._secret = secret
        self._key, self._iv = AESGCM(expand(secret, b"key", 32)), expand(secret, b"iv", 12)
        self._number = 0

    def update(self) -> None:
        self._begin(expand(self._secret, b"traffic upd", 48))

    def _nonce(self) -> bytes:
        nonce = int.from_bytes(self._iv, "big") ^ self._number
        self._number += 1
        return nonce.to_bytes(12, "big")

    def seal(self, content: bytes, kind: int = DATA) -> bytes:
        header = b"\x17\3\3" + (len(content) + 17).to_bytes(2, "big")
        return header + self._key.encrypt(self._nonce(), content + bytes([kind]), header)

    def open(self, record: bytes) -> tuple[int, bytes]:
        inner = self._key.decrypt(self._nonce(), record[5:], record[:5]).rstrip(b"\0")
        return inner[-1], inner[:-1]


def records(octets: bytes) -> Iterator[bytes]:
    """Whole ones."""
    while len(octets) >= 5 and len(octets) >= (end := 5 + int.from_bytes(octets[3:5], "big")):
        yield octets[:end]
        octets = octets[end:]


async def connected(gateway: SecureGateway, folder: Path, peer: Peer) -> tuple[TLSClient, Direction, Direction]:
    """A client after its handshake, and what it sends and what it gets from now on."""
    context = client_context(ONE)
    context.keylog_filename = str(folder / "secrets")
    client = await TLSClient(peer, context, "one.example").handshake()
    logged = [line.split() for line in (folder / "secrets").read_text().splitlines() if not line.startswith("#")]
    secrets = {label: bytes.fromhex(value) for label, _, value in logged}
    return client, Direction(secrets["CLIENT_TRAFFIC_SECRET_0"]), Direction(secrets["SERVER_TRAFFIC_SECRET_0"])


async def test_keys_change_in_both_directions(tmp_path: Path) -> None:
    async with Backend() as backend, SecureGateway(rule(to(backend.port)), certificates={"": [ONE]}) as gateway:
        client, ours, theirs = await connected(gateway, tmp_path, await gateway.client())
        flight = ours.seal(KEY_UPDATE + UPDATE_REQUESTED, HANDSHAKE)
        ours.update()
        flight += ours.seal(b"GET /x HTTP/1.1\r\nHost: one.example\r\n\r\n")
        await client.peer.send(flight)
        updated, answer, read = 0, b"", client._fed
        while b"path=/x" not in answer:
            assert await client.peer.more()
            for record in records(client.peer.received[read:]):
                read += len(record)
                kind, content = theirs.open(record)
                if (kind, content) == (HANDSHAKE, KEY_UPDATE + NOT_REQUESTED):
                    theirs.update()
                    updated += 1
                elif kind == DATA:
                    answer += content
        assert updated == 1
        assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_client_that_changes_keys_and_takes_nothing_is_cut_off(tmp_path: Path) -> None:
    """Each request for new keys is answered by the library itself, so no back-pressure holds that back."""

    async def sends_much(peer: Peer) -> None:
        await peer.request()
        await peer.send(ok(b"x" * 8_000_000))
        await peer.to_the_end()

    async with (
        Backend(sends_much) as backend,
        SecureGateway(rule(to(backend.port)), certificates={"": [ONE]}) as gateway,
    ):
        client, ours, _ = await connected(gateway, tmp_path, await gateway.client(receive_buffer=4096))
        client.peer.stop_reading()
        await client.peer.send(ours.seal(b"GET /x HTTP/1.1\r\nHost: one.example\r\n\r\n"))
        (port,) = gateway.plane._ports.values()
        await eventually(lambda: any(each._transport.get_write_buffer_size() for each in port.connections))
        flight = b""
        for _ in range(1_000):
            flight += ours.seal(KEY_UPDATE + UPDATE_REQUESTED, HANDSHAKE)
            ours.update()
        await client.peer.send(flight)
        await eventually(lambda: not port.connections)
        assert gateway.metrics.value("penstock_tls_failures_total", (gateway.name(""), "key_update_flood")) == 1
