"""Certificate and private key of a Secret, and bundles of CA certificates: read, and refused where no TLS library
would serve them.

What is accepted here must not fail in a worker, so the rules of OpenSSL's security level 2 stand here too.
The `cryptography` package takes 0.1 s to import; whoever declares no HTTPS listener does without it.
"""

from typing import TYPE_CHECKING

from proxy.snapshot.certificate import CABundle, Certificate

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

_BEGIN = b"-----BEGIN CERTIFICATE-----"
MIN_RSA_BITS = 2048
CURVES = ("secp256r1", "secp384r1", "secp521r1")
"""Those that browsers take in certificates; others are for key exchange only."""


class BadCertificate(ValueError):
    """It cannot be served. `part` is the key of the Secret or ConfigMap to blame; the text names no octet of it."""

    def __init__(self, part: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.part = part
        self.message = message
        self.hint = hint


def read_certificate(chain: bytes, key: bytes) -> Certificate:
    """Of PEM, the leaf first. Raises BadCertificate."""
    certificates = _read_chain(chain)
    private = _read_key(key)
    leaf = certificates[0]
    if _public_octets(leaf.public_key()) != _public_octets(private.public_key()):
        raise BadCertificate("tls.key", "is not the key of the first certificate of tls.crt", "put the leaf first")
    return Certificate(
        chain=chain,
        key=key,
        names=_names(leaf),
        common_name=_common_name(leaf),
        not_after=leaf.not_valid_after_utc.timestamp(),
    )


def read_bundle(pem: bytes) -> CABundle:
    """Of PEM; text between certificates, and any that comes twice, is left out. Raises BadCertificate."""
    from cryptography import x509  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - see above

    if _BEGIN not in pem:
        raise BadCertificate("ca.crt", "has no PEM certificate", "it begins with -----BEGIN CERTIFICATE-----")
    try:
        found = x509.load_pem_x509_certificates(pem)
        texts = dict.fromkeys(certificate.public_bytes(Encoding.PEM) for certificate in found)
        last = max(certificate.not_valid_after_utc.timestamp() for certificate in found)
    except Exception as error:
        raise BadCertificate("ca.crt", f"is not a bundle of PEM certificates: {type(error).__name__}") from None
    return CABundle(b"".join(texts), last)


def _read_chain(chain: bytes) -> "list[x509.Certificate]":
    from cryptography import x509  # noqa: PLC0415 - see above

    if _BEGIN not in chain:
        raise BadCertificate("tls.crt", "has no PEM certificate", "it begins with -----BEGIN CERTIFICATE-----")
    try:
        certificates = x509.load_pem_x509_certificates(chain)
        for certificate in certificates:
            _check_signature(certificate)
        _check_key(certificates[0].public_key(), "tls.crt")
    except BadCertificate:
        raise
    except Exception as error:
        raise BadCertificate("tls.crt", f"is not a PEM certificate chain: {type(error).__name__}") from None
    return certificates


def _read_key(key: bytes) -> "PrivateKeyTypes":
    """The library's own words are left out: nothing of a key may find its way into a message."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - see above

    if b"-----BEGIN" not in key:
        raise BadCertificate("tls.key", "has no PEM private key", "it begins with -----BEGIN PRIVATE KEY-----")
    try:
        return load_pem_private_key(key, password=None)
    except TypeError:
        raise BadCertificate("tls.key", "is encrypted", "store it without a passphrase") from None
    except Exception:
        raise BadCertificate("tls.key", "is not a PEM private key") from None


def _check_key(key: object, part: str) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa  # noqa: PLC0415 - see above

    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise BadCertificate(part, f"has an RSA key of {key.key_size} bits", f"use {MIN_RSA_BITS} bits or more")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in CURVES:
            raise BadCertificate(part, f"has a key on curve {key.curve.name}", f"use one of {', '.join(CURVES)}")
    elif not isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        raise BadCertificate(part, "has a key of a kind that TLS does not use", "use RSA, ECDSA or Ed25519")


def _check_signature(certificate: "x509.Certificate") -> None:
    """A self-signed certificate is trusted for what it is, not for its signature."""
    algorithm = certificate.signature_hash_algorithm
    if certificate.issuer != certificate.subject and algorithm is not None and algorithm.name in ("md5", "sha1"):
        raise BadCertificate("tls.crt", f"is signed with {algorithm.name.upper()}", "have it issued anew with SHA-256")


def _public_octets(key: "object") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - see above

    octets: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return octets


def _names(leaf: "x509.Certificate") -> tuple[bytes, ...]:
    """DNS names of subjectAltName, which alone count (RFC 9525 section 6.3)."""
    from cryptography import x509  # noqa: PLC0415 - see above

    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(dict.fromkeys(name.lower().encode() for name in names))


def _common_name(leaf: "x509.Certificate") -> str:
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - see above

    found = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""
