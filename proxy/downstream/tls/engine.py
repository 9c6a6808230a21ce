"""Engine: one side of one TLS connection as octets in and octets out, and the one made of ssl.MemoryBIO.

What drives it knows no TLS library, so that another one can stand in on a port whose policy the standard
library cannot express.
"""

import ssl
from typing import Protocol

PIECE = 256 * 1024
"""Octets of plaintext that are encrypted or decrypted in one go."""
RECORD = 16 * 1024
"""The most that one read or write of the library moves."""


class TLSFailure(Exception):
    """The connection is not to be trusted any more. `reason` is one machine-readable word_with_underscores."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Engine(Protocol):
    """Ciphertext goes in by `feed` and out by `take`, plaintext out by `read` and in by `write`."""

    def feed(self, data: bytes) -> None:
        """Octets from the peer, in order."""

    def take(self) -> bytes:
        """Octets for the peer; b"" when there are none. To be asked after every other call."""

    def handshake(self) -> bool:
        """Goes on with it; True when it is complete. Raises TLSFailure, and `take` may hold an alert."""

    def read(self) -> bytes:
        """Up to PIECE octets of plaintext; b"" when more must be fed first, or at the end. Raises TLSFailure."""

    @property
    def unread(self) -> bool:
        """What was fed may hold more plaintext, or the end."""

    @property
    def ended(self) -> bool:
        """The peer said that it sends no more (close_notify), and everything before was read."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Plaintext, best up to PIECE octets. Raises TLSFailure."""

    def close(self) -> None:
        """Says that we send no more. The peer is not waited for; nothing is written after."""

    @property
    def alpn(self) -> bytes:
        """The application protocol agreed on, b"" when none was."""

    @property
    def version(self) -> str:
        """ "TLSv1.3"."""


class MemoryEngine:
    """An Engine of the standard library."""

    __slots__ = ("_in", "_out", "_tls", "ended")

    def __init__(self, context: ssl.SSLContext) -> None:
        """The server side."""
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self.ended = False

    def feed(self, data: bytes) -> None:
        self._in.write(data)

    def take(self) -> bytes:
        return self._out.read() if self._out.pending else b""

    def handshake(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise _failure(error) from None
        return True

    @property
    def unread(self) -> bool:
        return bool(self._in.pending or self._tls.pending())

    def read(self) -> bytes:
        data = self._record()
        if not self._in.pending and len(data) < RECORD:
            return data
        pieces = [data]
        size = len(data)
        while data and size < PIECE and self.unread:
            data = self._record()
            pieces.append(data)
            size += len(data)
        return b"".join(pieces)

    def _record(self) -> bytes:
        try:
            data = self._tls.read(RECORD)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLZeroReturnError:
            self.ended = True
            return b""
        except ssl.SSLError as error:
            raise _failure(error) from None
        if not data:
            self.ended = True
        return data

    def write(self, data: bytes | bytearray | memoryview) -> None:
        try:
            sent = self._tls.write(data)
            if sent < len(data):
                rest = memoryview(data)[sent:]
                while rest:
                    rest = rest[self._tls.write(rest) :]
        except ssl.SSLError as error:
            raise _failure(error) from None

    def close(self) -> None:
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # it waits for the peer's close_notify, which we do not

    @property
    def alpn(self) -> bytes:
        return (self._tls.selected_alpn_protocol() or "").encode()

    @property
    def version(self) -> str:
        return self._tls.version() or ""


_REASONS = {
    "NO_SHARED_CIPHER": "no_shared_cipher",
    "UNSUPPORTED_PROTOCOL": "unsupported_version",
    "VERSION_TOO_LOW": "unsupported_version",
    "WRONG_VERSION_NUMBER": "unsupported_version",
}


def _failure(error: ssl.SSLError) -> TLSFailure:
    """Few reasons, as metrics have them for labels; the library's own words are the detail."""
    words = error.reason or type(error).__name__
    reason = "client_alert" if "ALERT" in words else _REASONS.get(words, "protocol_error")
    return TLSFailure(reason, words.lower().replace("_", " "))
