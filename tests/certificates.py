"""Certificates for tests, made when they are first asked for; each is its own root."""

import datetime
import ssl
from functools import cache
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from proxy.snapshot.certificate import CABundle, Certificate
from proxy.tls.loading import as_file, load_certificate
from proxy.translate.graph.x509 import read_bundle, read_certificate

BEGINS = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
ENDS = datetime.datetime(2120, 1, 1, tzinfo=datetime.UTC)


class Pair(NamedTuple):
    """A chain and its key, PEM."""

    chain: bytes
    key: bytes

    @property
    def certificate(self) -> Certificate:
        return read_certificate(*self)


def new_key(kind: str) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey:
    """ "rsa-2048", "ed25519", or the name of a curve."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind.partition("-")[2]))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "secp256k1": ec.SECP256K1()}
    return ec.generate_private_key(curves[kind])


@cache
def pair(
    *names: str, kind: str = "p256", number: int = 0, ends: datetime.datetime = ENDS, passphrase: bytes = b""
) -> Pair:
    """For DNS names, the first of which is the common name; another `number` gives another pair."""
    key = new_key(kind)
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, names[0]), x509.NameAttribute(NameOID.SERIAL_NUMBER, str(number))]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    signed = builder.sign(key, None if kind == "ed25519" else hashes.SHA256())
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return Pair(signed.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))


class Authority:
    """A root, and certificates that it signs."""

    def __init__(self, name: str = "root") -> None:
        self._key = new_key("p256")
        self._name = _named(name)
        signed = _builder(self._name, self._name, self._key, ENDS).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.pem = signed.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    @property
    def bundle(self) -> CABundle:
        return read_bundle(self.pem)

    def issues(
        self, *names: str, uris: tuple[str, ...] = (), common_name: str = "", ends: datetime.datetime = ENDS
    ) -> Pair:
        """A leaf for DNS names and URIs."""
        key = new_key("p256")
        kinds = [*map(x509.DNSName, names), *map(x509.UniformResourceIdentifier, uris)]
        builder = _builder(_named(common_name or "leaf"), self._name, key, ends)
        if kinds:
            builder = builder.add_extension(x509.SubjectAlternativeName(kinds), critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Pair(signed.public_bytes(Encoding.PEM), private)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: object, ends: datetime.datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())  # type: ignore[attr-defined]
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(ends)
    )


def server_side(pair: Pair, *clients: bytes) -> ssl.SSLContext:
    """An endpoint with this certificate, which wants one of clients if it is given whom to trust (PEM)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_certificate(context, pair.certificate)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=b"".join(clients).decode())
    return context


@cache
def issued(
    issuer: Pair,
    name: str,
    *,
    ca: bool = False,
    begins: datetime.datetime = BEGINS,
    ends: datetime.datetime = ENDS,
    usage: x509.ObjectIdentifier | None = None,
) -> Pair:
    """By another, and good for clients; the chain is this one alone. `usage` is the only one it is meant for."""
    key = new_key("p256")
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.load_pem_x509_certificate(issuer.chain).subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    by = load_pem_private_key(issuer.key, None)
    signed = builder.sign(by, hashes.SHA256())  # type: ignore[arg-type]
    return Pair(signed.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def client_context(*trusted: Pair) -> ssl.SSLContext:
    """Trusts these alone, and checks names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for each in trusted:
        context.load_verify_locations(cadata=each.chain.decode())
    return context


def shows(context: ssl.SSLContext, *shown: Pair) -> ssl.SSLContext:
    """The same context, with a certificate and the rest of its chain to show."""
    with as_file(b"".join(each.chain for each in shown) + shown[0].key) as path:
        context.load_cert_chain(path)
    return context
