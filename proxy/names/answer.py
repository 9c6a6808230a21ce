"""What comes of looking up a name."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from proxy.snapshot.names import NameKey


class Answer(Struct, frozen=True):
    """Addresses, and for how long they are good."""

    addresses: tuple[str, ...]
    """IP addresses, in the order of the answers."""
    ttl: float
    """Seconds: the least of all records on the way, aliases included."""
    missing: frozenset[int] = frozenset()
    """Families (4, 6) that could not be asked about: of these nothing is known."""


class LookupFailed(Exception):
    """No answer. `reason` is dns_timeout or dns_failure."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class NotFound(LookupFailed):
    """DNS answers that there is nothing: `reason` is name_not_found (NXDOMAIN) or no_address (NODATA)."""

    def __init__(self, reason: str, detail: str, ttl: float) -> None:
        """`ttl`: seconds for which that may be believed (RFC 2308 section 5)."""
        super().__init__(reason, detail)
        self.ttl = ttl


Lookup = Callable[[NameKey], Awaitable[Answer]]
"""Raises LookupFailed."""
