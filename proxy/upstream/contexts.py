"""SSLContexts towards endpoints, and what a connection is secured by.

A context depends on whom to trust and what to show, not on the server name: a thousand backends of one authority
share one. Making one takes some ms, so it is done where a snapshot is prepared, beside the event loop. A bundle or
certificate that changes has another key, so the next snapshot brings another context.

No sessions are resumed: a resumed one is not verified, and would outlive the authority that vouched for it.
"""

import logging
import ssl
from collections.abc import Iterable
from typing import NamedTuple

from proxy.snapshot.certificate import CABundle, Certificate
from proxy.snapshot.snapshot import Protocol, Snapshot
from proxy.snapshot.upstream_tls import UpstreamTLS
from proxy.tls.engine import MemoryEngine, SharedBIOs, TLSFailure
from proxy.tls.loading import load_certificate
from proxy.tls.names import matches_any

log = logging.getLogger("penstock.tls")

ALPN: dict[Protocol, list[str]] = {"http": ["http/1.1"], "h2": ["h2"], "tcp": []}
"""What is offered, for each protocol that an endpoint is to speak: nothing where only the two ends know it."""


class SecuredKey(NamedTuple):
    """How endpoints are spoken to: part of what a pool is known by."""

    tls: str
    """UpstreamTLS.digest, "" for clear text."""
    certificate: str
    """Key of the certificate that is shown, "" for none."""
    protocol: Protocol = "http"


CLEAR = SecuredKey("", "")
"""HTTP/1.1 without TLS."""


class Secured:
    """How connections of one pool are secured."""

    __slots__ = ("_bios", "_context", "_names", "_protocol", "_server_name")

    def __init__(
        self, tls: UpstreamTLS, context: ssl.SSLContext, protocol: Protocol = "http", bios: SharedBIOs | None = None
    ) -> None:
        self._protocol = protocol
        self._context = context
        self._bios = bios
        self._server_name = tls.server_name
        self._names = tuple((name.kind, name.value) for name in tls.names)

    def engine(self) -> MemoryEngine:
        """Of a new connection. Verifies the chain, and where no other names are wanted the server name."""
        return MemoryEngine(self._context, self._server_name, self._bios)

    def check(self, engine: MemoryEngine) -> None:
        """After the handshake, and before it is sent off: are we where we wanted to be? Raises TLSFailure."""
        if self._names and not matches_any(self._names, engine.peer_names()):
            wanted = ", ".join(value for _, value in self._names)
            raise TLSFailure("certificate_name_mismatch", f"the certificate is for none of {wanted}")
        if self._protocol == "h2" and engine.alpn != b"h2":
            raise TLSFailure("no_http2", "the endpoint did not agree to speak HTTP/2 (ALPN)")


class _ContextKey(NamedTuple):
    bundles: tuple[str, ...]
    certificate: str
    checks_host: bool
    protocol: Protocol


class ClientContexts:
    """Contexts by what they hold; those that are used no more are forgotten."""

    def __init__(self) -> None:
        self._made: dict[_ContextKey, ssl.SSLContext] = {}
        self._bios = SharedBIOs()

    def secure(self, wanted: Iterable[SecuredKey], snapshot: Snapshot) -> dict[SecuredKey, Secured]:
        """What can be secured as the snapshot says; what is missing must not be connected to."""
        used: dict[_ContextKey, ssl.SSLContext] = {}
        secured: dict[SecuredKey, Secured] = {}
        for name in wanted:
            tls = snapshot.upstream_tls.get(name.tls)
            if tls is None:
                continue
            key = _ContextKey(tls.bundles, tls.certificate or name.certificate, not tls.names, name.protocol)
            try:
                context = used.get(key) or self._made.get(key) or _make(key, snapshot)
            except (KeyError, ValueError, OSError) as error:
                log.error("no TLS to %s is possible: %s: %s", tls.server_name, type(error).__name__, error)
                continue
            used[key] = context
            secured[name] = Secured(tls, context, name.protocol, self._bios)
        self._made = used
        return secured


def _make(key: _ContextKey, snapshot: Snapshot) -> ssl.SSLContext:
    """Raises KeyError for what the snapshot does not hold."""
    bundles = [snapshot.bundles[each] for each in key.bundles]
    certificate = snapshot.certificates[key.certificate] if key.certificate else None
    return client_context(bundles, certificate, checks_host=key.checks_host, alpn=ALPN[key.protocol])


def client_context(
    bundles: Iterable[CABundle],
    certificate: Certificate | None = None,
    *,
    checks_host: bool = True,
    alpn: list[str] = ALPN["http"],
) -> ssl.SSLContext:
    """TLS 1.2 and 1.3, never without verification. Raises ssl.SSLError for what the library does not take.

    Without bundles the machine's own are trusted. A common name counts for nothing (RFC 9525 section 2).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.check_hostname = checks_host
    context.hostname_checks_common_name = False
    context.verify_mode = ssl.CERT_REQUIRED
    if alpn:
        context.set_alpn_protocols(alpn)
    trusted = list(bundles)
    if trusted:
        context.load_verify_locations(cadata="".join(bundle.pem.decode("ascii") for bundle in trusted))
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if certificate is not None:
        load_certificate(context, certificate)
    return context
