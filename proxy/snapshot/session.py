"""Session persistence after translation (GEP-1619): what a rule asks for, and what its tokens stand for."""

from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import Literal

from msgspec import Struct

NAME_OCTETS = 12
KEY_OCTETS = 16
"""What a seat is made of."""


class Session(Struct, frozen=True):
    """How the clients of a rule show which endpoint they belong to."""

    kind: Literal["cookie", "header"]
    name: bytes
    """Of the cookie, as written; of the header, lower-case."""
    scope: bytes
    """Tells the tokens of this rule from those of others that use the same name. Not a secret."""
    path: bytes = b"/"
    """The Path of the cookie."""
    timeout: float = 0.0
    """Seconds from its first answer to the end of a session; 0 is no end."""
    permanent: bool = False
    """The client is told to keep the cookie until the timeout, beyond its own session."""
    policy: str = ""
    """NAMESPACE/NAME of the XBackendTrafficPolicy that says so; "" where the rule itself does."""


class Seat(Struct, frozen=True, array_like=True):
    """What stands for one endpoint in a token, or for a DNS name, of which each address has a seat of its own.

    Secrets: whoever knows the key can write tokens.
    """

    name: bytes
    """16 characters of base64url that tell nothing of the endpoint."""
    key: bytes
    """Seals what a token says beside the name."""

    def of(self, address: str) -> "Seat":
        """The seat of an address that this name leads to: the same wherever the name's is."""
        digest = blake2b(address.encode(), key=self.key, digest_size=NAME_OCTETS + KEY_OCTETS, person=b"penstock addr")
        return seat(digest.digest())

    def __repr__(self) -> str:
        return "Seat(...)"


def seat(digest: bytes) -> Seat:
    """From NAME_OCTETS that tell it from others and KEY_OCTETS of its key."""
    return Seat(urlsafe_b64encode(digest[:NAME_OCTETS]), digest[NAME_OCTETS:])


class RetryBudget(Struct, frozen=True):
    """XBackendTrafficPolicy.spec.retryConstraint. Two Services that one policy is for have a budget each."""

    service: str
    """KIND/NAMESPACE/NAME: all ports of it share the budget."""
    percent: int
    """Of all requests within `interval`, retries included, so many may be retries."""
    interval: float
    """Seconds."""
    floor: int
    """Retries within `floor_interval` that are allowed whatever the percentage."""
    floor_interval: float
    """Seconds."""
