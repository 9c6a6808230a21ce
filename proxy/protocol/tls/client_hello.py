"""The ClientHello: what a client says in clear text before a TLS connection is made (RFC 8446 section 4.1.2).

Read before there is a TLS object, so that the server name chooses the certificate, the policy for client
certificates, or another protocol altogether. Nothing is verified that the TLS library will verify; what is
read here never reaches beyond the octets at hand.
"""

from collections.abc import Iterator
from typing import NamedTuple

MAX_HELLO = 64 * 1024
"""Octets of one ClientHello; real ones have 200 to 2,000."""
MAX_RECORDS = 32
"""Over which one ClientHello may be spread."""
MAX_RECORD = 16 * 1024
"""Octets of one plaintext record (RFC 8446 section 5.1)."""

_RECORD_HEADER = 5
_HANDSHAKE = 22
_CLIENT_HELLO = 1
_SERVER_NAME, _ALPN, _SUPPORTED_VERSIONS = 0, 16, 43


class NotTLS(ValueError):
    """The first octets are not those of a TLS record that begins a handshake."""


class MalformedHello(ValueError):
    """It begins as TLS and is not a ClientHello, or is one that breaks its own lengths or our limits."""


class ClientHello(NamedTuple):
    """What of it a server may choose by."""

    server_name: bytes
    """Lower-case and without a final dot; b"" when the client names none (RFC 6066 section 3)."""
    alpn: tuple[bytes, ...]
    """Application protocols, in the client's order (RFC 7301)."""
    versions: tuple[int, ...]
    """TLS versions offered: 0x0303 is 1.2, 0x0304 is 1.3; GREASE values are among them."""


class HelloReader:
    """Collects octets until they hold a whole ClientHello.

    Looks again only when something can have come of it, so that a hello sent octet by octet costs no more
    than 2 looks a record.
    """

    __slots__ = ("_chunks", "_enough", "_size")

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._enough = 1

    def feed(self, data: bytes) -> ClientHello | None:
        """The hello, None as long as more is needed. Raises NotTLS or MalformedHello."""
        self._chunks.append(data)
        self._size += len(data)
        if self._size < self._enough:
            return None
        outcome = parse_client_hello(self.octets)
        if isinstance(outcome, ClientHello):
            return outcome
        self._enough = outcome
        return None

    @property
    def octets(self) -> bytes:
        """Everything fed: the hello, and what came behind it."""
        if len(self._chunks) > 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0] if self._chunks else b""

    @property
    def begun(self) -> bool:
        return self._size > 0


def parse_client_hello(data: bytes) -> ClientHello | int:
    """The hello at the start of `data`, or how many octets there must be at least before it is worth asking again.

    Raises NotTLS or MalformedHello.
    """
    message = bytearray()
    at = 0
    for _ in range(MAX_RECORDS):
        _check_record_start(data, at)
        if len(data) < at + _RECORD_HEADER:
            return at + _RECORD_HEADER
        end = at + _RECORD_HEADER + _record_length(data, at)
        message += data[at + _RECORD_HEADER : end]
        wanted = _message_length(message)
        if wanted is not None and len(message) >= wanted:
            return _parse_message(bytes(message[4:wanted]))
        if len(data) < end:
            return end if wanted is None else min(end, len(data) + wanted - len(message))
        at = end
    raise MalformedHello(f"spread over more than {MAX_RECORDS} records")


def _check_record_start(data: bytes, at: int) -> None:
    """Content type and major version, as far as they are there."""
    start = data[at : at + 2]
    if (start and start[0] != _HANDSHAKE) or (len(start) == 2 and start[1] != 3):
        if at:
            raise MalformedHello("another record interrupts it")
        raise NotTLS("not a TLS handshake record")


def _record_length(data: bytes, at: int) -> int:
    length = int.from_bytes(data[at + 3 : at + 5], "big")
    if not 0 < length <= MAX_RECORD:
        raise MalformedHello(f"a record of {length} octets")
    return length


def _message_length(message: bytearray) -> int | None:
    """Of the handshake message with its header; None while that is not there."""
    if message and message[0] != _CLIENT_HELLO:
        raise MalformedHello(f"handshake message {message[0]} where a ClientHello must be")
    if len(message) < 4:
        return None
    length = int.from_bytes(message[1:4], "big")
    if length > MAX_HELLO:
        raise MalformedHello(f"a ClientHello of {length} octets")
    return 4 + length


# --- the message ------------------------------------------------------------------------------


class _Reader:
    """Takes fields off the front; raises MalformedHello where they say they are longer than what is left."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise MalformedHello("a field is longer than what holds it")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """Octets after their length, which has `size` octets itself."""
        return self.take(self.number(size))


def _parse_message(body: bytes) -> ClientHello:
    reader = _Reader(body)
    legacy_version = reader.number(2)
    reader.take(32)  # random
    reader.vector(1)  # session id
    reader.vector(2)  # cipher suites
    reader.vector(1)  # compression methods
    extensions = dict(_extensions(reader.vector(2))) if reader else {}
    if reader:
        raise MalformedHello("octets behind its end")
    return ClientHello(
        server_name=_server_name(extensions.get(_SERVER_NAME)),
        alpn=tuple(_alpn(extensions.get(_ALPN))),
        versions=_versions(extensions.get(_SUPPORTED_VERSIONS), legacy_version),
    )


def _extensions(data: bytes) -> Iterator[tuple[int, bytes]]:
    reader = _Reader(data)
    seen = set()
    while reader:
        kind, value = reader.number(2), reader.vector(2)
        if kind in seen:
            raise MalformedHello(f"extension {kind} comes twice")
        seen.add(kind)
        yield kind, value


def _server_name(data: bytes | None) -> bytes:
    """The host_name of the list; other types of names are not defined and passed over (RFC 6066 section 3)."""
    if data is None:
        return b""
    reader = _Reader(_whole_vector(data))
    names = []
    while reader:
        kind, name = reader.number(1), reader.vector(2)
        if kind == 0:
            names.append(name)
    if len(names) != 1 or not names[0] or not names[0].isascii() or b"\0" in names[0]:
        raise MalformedHello("its server name is none")
    return names[0].lower().removesuffix(b".")


def _alpn(data: bytes | None) -> Iterator[bytes]:
    if data is None:
        return
    reader = _Reader(_whole_vector(data))
    while reader:
        name = reader.vector(1)
        if not name:
            raise MalformedHello("an application protocol without a name")
        yield name


def _versions(data: bytes | None, legacy: int) -> tuple[int, ...]:
    """Of the extension; without it the client knows nothing above its legacy_version (RFC 8446 section 4.2.1)."""
    if data is None:
        return (legacy,)
    reader = _Reader(data)
    listed = reader.vector(1)
    if reader or not listed or len(listed) % 2:
        raise MalformedHello("its list of versions is broken")
    return tuple(int.from_bytes(listed[i : i + 2], "big") for i in range(0, len(listed), 2))


def _whole_vector(data: bytes) -> bytes:
    """A vector with a length of two octets that fills its extension."""
    reader = _Reader(data)
    inner = reader.vector(2)
    if reader or not inner:
        raise MalformedHello("a list does not fill its extension")
    return inner
