"""EndpointPool: what every pool is to those who send, whatever its connections speak."""

from abc import ABC, abstractmethod

from proxy.upstream.contexts import SecuredKey
from proxy.upstream.lease import Lease, Waiter


class EndpointPool(ABC):
    """All connections to one endpoint."""

    __slots__ = ("active", "identity", "label", "retired")

    active: int
    """Exchanges that have or are getting a connection here: what least-request compares."""
    identity: SecuredKey
    label: str
    """host:port, an IPv6 address in brackets."""
    retired: bool
    """No snapshot names the endpoint any more: connections close as they come back."""

    @property
    @abstractmethod
    def full(self) -> bool:
        """Whoever asks now has to wait."""

    @property
    @abstractmethod
    def connections(self) -> int:
        """Idle, in use and being made."""

    @abstractmethod
    def take(self) -> Lease | None:
        """What can be had at once."""

    @abstractmethod
    def request(self, waiter: Waiter, *, fresh: bool = False) -> None:
        """Have `waiter` called with a lease, `fresh` of a new connection, or an error. Raises Overloaded at limits."""

    @abstractmethod
    def forget(self, waiter: Waiter) -> None:
        """The waiter is not interested any more."""

    @abstractmethod
    def release(self, connection: Lease) -> None:
        """Given back unused, or as it may carry another exchange."""

    @abstractmethod
    def retire(self) -> None:
        """Close what is idle now and the rest as it comes back."""

    @abstractmethod
    def revive(self) -> None: ...
