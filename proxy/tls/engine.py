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

    @property
    def tolerated(self) -> str:
        """What was wrong with the client's certificate and did not keep it out; "" where it had to be valid, if any."""


class SharedBIOs:
    """The two memory BIOs through which the engines of one thread reach the library, one after the other.

    A memory BIO keeps room for the most that it ever held, a piece of 256 KiB or a chain of certificates: with two
    of its own, a connection would keep that for as long as it is open. So an engine puts in what it was fed when it
    calls the library, and takes out all that is left before it returns; between any two calls both are empty.
    """

    __slots__ = ("incoming", "outgoing")

    def __init__(self) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()


class MemoryEngine:
    """An Engine of the standard library."""

    __slots__ = ("_alert", "_fed", "_in", "_out", "_tls", "_to_send", "ended")

    tolerated = ""

    def __init__(self, context: ssl.SSLContext, server_name: str | None = None, bios: SharedBIOs | None = None) -> None:
        """The server side; with a `server_name` the client's, which asks for it (SNI). `bios`: None for its own."""
        bios = bios or SharedBIOs()
        self._in = bios.incoming
        self._out = bios.outgoing
        self._fed = b""
        """What the library has not seen."""
        self._to_send = b""
        server = server_name is None
        self._tls = context.wrap_bio(self._in, self._out, server_side=server, server_hostname=server_name)
        self._alert = CLIENT_ALERT if server else "endpoint_alert"
        self.ended = False

    def feed(self, data: bytes) -> None:
        self._fed += data

    def take(self) -> bytes:
        data, self._to_send = self._to_send, b""
        return data

    def _put_in(self) -> None:
        self._in.write(self._fed)
        self._fed = b""

    def _take_out(self) -> None:
        """To be done at the end of each call, however it ends: the BIOs are another engine's from then on."""
        self._fed = self._in.read()
        self._to_send += self._out.read()

    def handshake(self) -> bool:
        self._put_in()
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise _failure(error, self._alert) from None
        finally:
            self._take_out()
        return True

    @property
    def unread(self) -> bool:
        return bool(self._fed)

    def read(self) -> bytes:
        self._put_in()
        try:
            data = self._record()
            return self._records(data) if self._in.pending else data
        finally:
            if self._in.pending or self._out.pending:
                self._take_out()

    def _records(self, data: bytes) -> bytes:
        """`data` and what comes behind it."""
        pieces = [data]
        size = len(data)
        while data and size < PIECE and self._in.pending:
            data = self._record()
            pieces.append(data)
            size += len(data)
        return b"".join(pieces)

    def _record(self) -> bytes:
        """The plaintext of one record, of which so nothing is left in the library."""
        try:
            data = self._tls.read(RECORD)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLZeroReturnError:
            self.ended = True
            return b""
        except ssl.SSLError as error:
            raise _failure(error, self._alert) from None
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
            raise _failure(error, self._alert) from None
        finally:
            self._to_send += self._out.read()

    def close(self) -> None:
        self._put_in()
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # it waits for the peer's close_notify, which we do not
        finally:
            self._take_out()

    @property
    def alpn(self) -> bytes:
        return (self._tls.selected_alpn_protocol() or "").encode()

    @property
    def version(self) -> str:
        return self._tls.version() or ""

    def peer_names(self) -> tuple[tuple[str, str], ...]:
        """Kind ("DNS", "URI") and value of each subjectAltName of a certificate that was verified."""
        try:
            certificate = self._tls.getpeercert() or {}
        except ValueError:  # not verified, or a name that is no text
            return ()
        return tuple(certificate.get("subjectAltName", ()))  # type: ignore[arg-type]  # the stubs see wider values


CLIENT_ALERT = "client_alert"
MISSING = "client_certificate_missing"

_REASONS = {
    "NO_SHARED_CIPHER": "no_shared_cipher",
    "UNSUPPORTED_PROTOCOL": "unsupported_version",
    "VERSION_TOO_LOW": "unsupported_version",
    "WRONG_VERSION_NUMBER": "unsupported_version",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": MISSING,
}
_CERTIFICATE_REASONS = {
    2: "certificate_untrusted",
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    18: "certificate_untrusted",
    19: "certificate_untrusted",
    20: "certificate_untrusted",
    21: "certificate_untrusted",
    62: "certificate_name_mismatch",
}
"""By X509_V_ERR_*. Untrusted: no chain leads to a certificate that is."""


def _failure(error: ssl.SSLError, alert: str) -> TLSFailure:
    """Few reasons, as metrics have them for labels; the library's own words are the detail."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = certificate_reason(error.verify_code)
        return TLSFailure(f"client_{reason}" if alert == CLIENT_ALERT else reason, error.verify_message)
    words = error.reason or type(error).__name__
    return TLSFailure(failure_reason(words, alert), words.lower().replace("_", " "))


def failure_reason(words: str, alert: str) -> str:
    """`words`: OpenSSL's, in the form of its symbols: NO_SHARED_CIPHER. `alert`: what one of the peer is called."""
    return alert if "ALERT" in words else _REASONS.get(words, "protocol_error")


def certificate_reason(fault: int) -> str:
    """Of a certificate that is there and not valid; `fault` as in X509_STORE_CTX_get_error."""
    return _CERTIFICATE_REASONS.get(fault, "certificate_invalid")
