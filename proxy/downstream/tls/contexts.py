"""What engines are made of: one context for each certificate and way to check clients in use, made at its first use.

Making one takes 1.5 ms, so a thousand listeners would hold up a reload for seconds. A certificate that is
replaced has another key here, so its connections live on with the context they began with.

Tickets. Each context has ticket keys of its own, which no other worker knows: a client that comes back to
the same worker resumes, with another it makes a full handshake, and nothing fails. As the keys last as long
as the context, a context is made anew after TICKET_KEY_LIFETIME. A ticket of a listener that checks its clients
otherwise, or by other authorities, is one of another context, and so is worth nothing.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from proxy.snapshot.certificate import CABundle, Certificate, ClientValidation
from proxy.tls.engine import Engine, MemoryEngine, SharedBIOs, TLSFailure
from proxy.tls.loading import load_certificate

TICKET_KEY_LIFETIME = 12 * 3600.0
"""Seconds for which what tickets protect hangs on one key (RFC 8446 section 4.6.1 allows 7 days)."""
UNUSABLE_FOR = 5.0
"""Seconds for which a certificate that the library does not take is not tried again: any client may ask for it."""
MOST_SESSIONS = 1024
"""Sessions of TLS 1.2 that a context keeps for clients without tickets, 1.3 KiB each. The library keeps 20,480 and
cannot be told otherwise, so a context that has more is made anew."""
ALPN = ["h2", "http/1.1"]
"""What we speak, best first."""

CIPHERS = ":".join([
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
])  # fmt: skip
"""For TLS 1.2: Mozilla's intermediate profile without finite-field groups. All of them keep forward secrecy,
and HTTP/2 allows all of them (RFC 9113 section 9.2.2). Those of TLS 1.3 are the library's."""

Context = ssl.SSLContext | Callable[[], Engine]
"""Of the standard library; that of another makes the engines of its connections itself."""
At = tuple[str, ClientValidation | None, bool]
"""Key of the certificate, how clients are checked, and whether versions of HTTP are agreed on."""


class Contexts:
    """Contexts by key of the certificate, and by how clients are checked."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._bios = SharedBIOs()
        self._certificates: Mapping[str, Certificate] = {}
        self._bundles: Mapping[str, CABundle] = {}
        self._made: dict[At, tuple[float, Context]] = {}
        self._unusable: dict[At, tuple[float, str, str]] = {}
        """Until when, and reason and detail; the failure itself would keep who met it."""

    def install(self, certificates: Mapping[str, Certificate], bundles: Mapping[str, CABundle]) -> None:
        """Those of a new snapshot; what is not among them is forgotten."""
        self._certificates = certificates
        self._bundles = bundles
        self._made = {at: made for at, made in self._made.items() if self._has(*at[:2])}
        self._unusable.clear()

    def _has(self, key: str, clients: ClientValidation | None) -> bool:
        return key in self._certificates and (clients is None or all(each in self._bundles for each in clients.bundles))

    def engine(
        self, keys: Sequence[str], server_name: bytes, clients: ClientValidation | None, *, alpn: bool = True
    ) -> Engine:
        """Of a new connection; `alpn`: what it will speak is agreed on. Raises TLSFailure."""
        context = self.choose(keys, server_name, clients, alpn=alpn)
        return MemoryEngine(context, bios=self._bios) if isinstance(context, ssl.SSLContext) else context()

    def choose(
        self, keys: Sequence[str], server_name: bytes, clients: ClientValidation | None = None, *, alpn: bool = True
    ) -> Context:
        """Of a listener's certificates the first that names the server, else the first. Raises TLSFailure."""
        if len(keys) > 1 and server_name:
            keys = [key for key in keys if self._names(key, server_name)] or keys
        if not keys:
            raise TLSFailure("no_certificate", "the listener has no certificate")
        return self._context((keys[0], clients, alpn))

    def _names(self, key: str, server_name: bytes) -> bool:
        certificate = self._certificates.get(key)
        return certificate is not None and certificate.is_for(server_name)

    def _context(self, at: At) -> Context:
        now = self._clock()
        made = self._made.get(at)
        if made is None or made[0] <= now or _is_full(made[1]):
            made = now + TICKET_KEY_LIFETIME, self._make_if_usable(at, now)
            self._made[at] = made
        return made[1]

    def _make_if_usable(self, at: At, now: float) -> Context:
        """A bundle of authorities can take long to load, and the event loop waits for it."""
        unusable = self._unusable.get(at)
        if unusable is not None and unusable[0] > now:
            raise TLSFailure(*unusable[1:])
        try:
            return self._make(*at)
        except TLSFailure as failure:
            self._unusable[at] = self._clock() + UNUSABLE_FOR, failure.reason, failure.detail
            raise

    def _make(self, key: str, clients: ClientValidation | None, alpn: bool) -> Context:
        if not self._has(key, clients):
            raise TLSFailure("no_certificate", "the certificate has gone, or that of an authority")
        certificate = self._certificates[key]
        try:
            if clients is None:
                return server_context(certificate, alpn=alpn)
            authorities = b"".join(self._bundles[each].pem for each in clients.bundles)
            if clients.insecure_fallback:
                return _fallback(certificate, authorities)  # asked for on listeners of HTTPS alone
            return validating_context(certificate, authorities, alpn=alpn)
        except (ssl.SSLError, OSError) as error:
            raise TLSFailure("no_certificate", f"{type(error).__name__}: {error}") from None


def _is_full(context: Context) -> bool:
    return isinstance(context, ssl.SSLContext) and context.session_stats()["number"] > MOST_SESSIONS


def _fallback(certificate: Certificate, authorities: bytes) -> Context:
    """Its library takes 0.1 s to import; whoever wants no such listener does without it."""
    from proxy.downstream.tls.fallback import FallbackEngine, fallback_context  # noqa: PLC0415 - see above

    return partial(FallbackEngine, fallback_context(certificate, authorities))


def server_context(certificate: Certificate, *, alpn: bool = True) -> ssl.SSLContext:
    """TLS 1.2 and 1.3. Raises ssl.SSLError for what the library does not take."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(CIPHERS)
    if alpn:
        context.set_alpn_protocols(ALPN)
    context.num_tickets = 1
    load_certificate(context, certificate)
    return context


def validating_context(certificate: Certificate, authorities: bytes, *, alpn: bool = True) -> ssl.SSLContext:
    """The same for clients with a certificate that `authorities` (PEM) vouch for, and for no others.

    Each of the authorities is trusted for what it is: an intermediate one needs no root beside it. Their names are
    not told to clients, who send what they have. No tickets of TLS 1.3, so that certificates are checked at every
    connection: a session that is resumed would outlive them. (In TLS 1.2, sessions would be kept in memory without.)
    """
    context = server_context(certificate, alpn=alpn)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=authorities.decode("ascii"))
    context.num_tickets = 0
    return context
