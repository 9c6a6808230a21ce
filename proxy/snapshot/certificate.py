"""Certificate: a chain and its private key, ready to be served; CABundle: whom to trust. The key is shown to nobody."""

from hashlib import sha256

from msgspec import Struct

from proxy.routing.hostname import covers


class Certificate(Struct, frozen=True):
    """What one Secret of type kubernetes.io/tls holds."""

    chain: bytes
    """PEM, the leaf first."""
    key: bytes
    """PEM. A secret: never to be logged, dumped, or put into a message."""
    names: tuple[bytes, ...] = ()
    """DNS names of the leaf, lower-case; a wildcard stands for one label."""
    common_name: str = ""
    not_after: float = 0.0
    """Seconds since the epoch."""

    @property
    def digest(self) -> str:
        """Its identity: changes with any octet of chain or key, and reveals nothing of them."""
        return sha256(len(self.chain).to_bytes(8, "big") + self.chain + self.key).hexdigest()

    def is_for(self, server_name: bytes) -> bool:
        """Whether it names a server. A wildcard stands for one label (RFC 6125 section 6.4.3)."""
        return any(
            covers(name, server_name) and (not name.startswith(b"*.") or server_name.partition(b".")[2] == name[2:])
            for name in self.names
        )

    def __repr__(self) -> str:
        return f"Certificate({self.common_name!r}, {len(self.names)} names)"


class CABundle(Struct, frozen=True):
    """Certificates of authorities whose word is trusted. Nothing in it is secret."""

    pem: bytes
    """One certificate after the other, in ASCII and without anything between."""
    not_after: float = 0.0
    """Seconds since the epoch: when the last of them ends."""

    @property
    def digest(self) -> str:
        """Its identity: changes with any certificate."""
        return sha256(self.pem).hexdigest()


class ClientValidation(Struct, frozen=True):
    """How the certificates of clients are checked (FrontendTLSValidation)."""

    bundles: tuple[str, ...]
    """Keys of Snapshot.bundles: who is trusted by any of them is trusted. Not empty."""
    insecure_fallback: bool = False
    """Clients without a valid certificate are let in all the same."""
