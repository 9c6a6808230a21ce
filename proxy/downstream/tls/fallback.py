"""FallbackEngine: asks clients for a certificate and lets them in whatever they have (AllowInsecureFallback).

The standard library ends the connection when a certificate that it asked for is not valid. OpenSSL's other binding
leaves that to us. It costs more for each octet, and stands on those listeners alone that want it.
"""

from OpenSSL import SSL
from OpenSSL.crypto import X509, X509StoreFlags

from proxy.downstream.tls.contexts import ALPN, CIPHERS
from proxy.snapshot.certificate import Certificate
from proxy.tls.engine import CLIENT_ALERT, MISSING, PIECE, RECORD, TLSFailure, certificate_reason, failure_reason
from proxy.tls.loading import as_file

PORTION = 64 * 1024
"""Octets. A connection that has carried much keeps 155 KiB; it would be 91 with a record at a time, at a quarter more
of CPU for what comes, and 689 with no limit."""
_NOTHING = memoryview(b"")


class FallbackEngine:
    """An Engine (tls.engine) of pyOpenSSL.

    Its BIOs are its own, and they keep room for the most that they ever held: so never more than a PORTION is put in,
    or waits there to be taken out.
    """

    __slots__ = ("_fed", "_tls", "_to_send", "ended", "unread")

    def __init__(self, context: SSL.Context) -> None:
        """The server side. `context`: of fallback_context."""
        self._tls = SSL.Connection(context, None)
        self._tls.set_app_data([])
        self._tls.set_accept_state()
        self._fed = _NOTHING
        """What the library has not seen."""
        self._to_send: list[bytes] = []
        self.unread = False
        self.ended = False

    def feed(self, data: bytes) -> None:
        if data:
            self._fed = memoryview(bytes(self._fed) + data)
            self.unread = True

    def _put_in(self) -> bool:
        """Whether there was something."""
        if not self._fed:
            return False
        self._tls.bio_write(self._fed[:PORTION])
        self._fed = self._fed[PORTION:] or _NOTHING
        return True

    def take(self) -> bytes:
        try:
            while True:
                self._take_out()
        except SSL.WantReadError:
            pass
        pieces, self._to_send = self._to_send, []
        return b"".join(pieces)

    def _take_out(self) -> None:
        self._to_send.append(self._tls.bio_read(PORTION + RECORD))

    def handshake(self) -> bool:
        while True:
            try:
                self._tls.do_handshake()
                return True
            except SSL.WantReadError:
                if not self._put_in():
                    return False
            except SSL.Error as error:
                raise _failure(error) from None

    def read(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while size < PIECE and (data := self._record()):
            pieces.append(data)
            size += len(data)
        return b"".join(pieces)

    def _record(self) -> bytes:
        while True:
            try:
                return self._tls.recv(RECORD)
            except SSL.WantReadError:
                if self._put_in():
                    continue
            except SSL.ZeroReturnError:
                self.ended = True
            except SSL.Error as error:
                raise _failure(error) from None
            self.unread = False
            return b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._tls.send(rest[:PORTION]) :]
                self._take_out()
        except SSL.Error as error:
            raise _failure(error) from None

    def close(self) -> None:
        try:
            self._tls.shutdown()
        except SSL.Error:
            pass  # before the end of a handshake there is nobody to say it to

    @property
    def alpn(self) -> bytes:
        return self._tls.get_alpn_proto_negotiated()

    @property
    def version(self) -> str:
        return self._tls.get_protocol_version_name()

    @property
    def tolerated(self) -> str:
        if self._tls.get_peer_certificate() is None:
            return MISSING
        faults: list[int] = self._tls.get_app_data()
        return f"client_{certificate_reason(faults[0])}" if faults else ""


def fallback_context(certificate: Certificate, authorities: bytes) -> SSL.Context:
    """What contexts.server_context makes, with a word for every client. Raises TLSFailure for what is not taken.

    The key must not be encrypted (x509.read_certificate lets none through): the library would ask for a passphrase.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_cipher_list(CIPHERS.encode())
    context.set_alpn_select_callback(_choose_protocol)
    # Every connection is asked: nothing is resumed, and nothing kept for it.
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_verify(SSL.VERIFY_PEER, _take_note)
    try:
        _load(context, certificate, authorities)
    except SSL.Error as error:
        raise TLSFailure("no_certificate", str(_failure(error).detail)) from None
    return context


def _load(context: SSL.Context, certificate: Certificate, authorities: bytes) -> None:
    with as_file(certificate.chain + b"\n" + certificate.key) as path:
        context.use_certificate_chain_file(path)
        context.use_privatekey_file(path)
    with as_file(authorities) as path:
        context.load_verify_locations(path)
    store = context.get_cert_store()
    assert store is not None
    store.set_flags(X509StoreFlags.PARTIAL_CHAIN)


def _take_note(connection: SSL.Connection, certificate: X509, fault: int, depth: int, sound: int) -> bool:
    """Asked about each certificate of the client's chain; `fault` as in X509_STORE_CTX_get_error."""
    if not sound:
        connection.get_app_data().append(fault)
    return True


def _choose_protocol(connection: SSL.Connection, offered: list[bytes]) -> "bytes | SSL._NoOverlappingProtocols":
    """Without one in common the connection goes on without (RFC 7301 section 3.2 would let us refuse it)."""
    return next((name for name in map(str.encode, ALPN) if name in offered), SSL.NO_OVERLAPPING_PROTOCOLS)


def _failure(error: SSL.Error) -> TLSFailure:
    """Of what OpenSSL has queued, the first; each is (library, function, reason)."""
    queued = error.args[0] if error.args and isinstance(error.args[0], list) else []
    words = str(queued[0][2]) if queued else type(error).__name__
    return TLSFailure(failure_reason(words.upper().replace(" ", "_"), CLIENT_ALERT), words.lower())
