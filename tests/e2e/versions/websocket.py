"""WebSocket frames (RFC 6455 section 5.2), for the ends that speak HTTP/2; those of HTTP/1.1 are aiohttp's."""

from collections.abc import Iterator

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
MASK = b"\x01\x02\x03\x04"


def frame(kind: int, payload: bytes = b"", *, masked: bool = False) -> bytes:
    """A whole message of up to 65,535 octets; clients mask."""
    size = bytes((len(payload),)) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
    if not masked:
        return bytes((0x80 | kind,)) + size + payload
    return bytes((0x80 | kind, size[0] | 0x80)) + size[1:] + MASK + unmask(payload)


def unmask(payload: bytes) -> bytes:
    return bytes(octet ^ MASK[place % 4] for place, octet in enumerate(payload))


class Frames:
    """Octets in, (kind, payload) out."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        self._data += data
        while (whole := self._whole()) is not None:
            yield whole

    def _whole(self) -> tuple[int, bytes] | None:
        if len(self._data) < 2:
            return None
        masked, size, at = self._data[1] & 0x80, self._data[1] & 0x7F, 2
        if size == 126:
            size, at = int.from_bytes(self._data[2:4], "big"), 4
        mask, at = self._data[at : at + 4] if masked else b"", at + (4 if masked else 0)
        if len(self._data) < at + size:
            return None
        payload = self._data[at : at + size]
        kind, self._data = self._data[0] & 0x0F, self._data[at + size :]
        return kind, bytes(octet ^ mask[place % 4] for place, octet in enumerate(payload)) if mask else payload
