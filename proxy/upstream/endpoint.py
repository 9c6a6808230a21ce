"""What every endpoint is to those who send there, whatever its connections speak."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from proxy.upstream.contexts import CLEAR, Secured, SecuredKey
from proxy.upstream.lease import Lease, Waiter


class LiveEndpoint(ABC):
    """One endpoint: who it is, how busy, and whether it is still wanted."""

    __slots__ = ("active", "address", "identity", "label", "refused", "retired", "secured")

    def __init__(
        self,
        address: tuple[str, int],
        on_failure: Callable[[str], None],
        secured: Secured | None = None,
        identity: SecuredKey = CLEAR,
    ) -> None:
        """`secured`: it is spoken to over TLS, of this `identity`."""
        host, port = address
        self.address = address
        self.label = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.secured = secured
        self.identity = identity
        self.refused = on_failure
        """Counts, by reason, that there was no connection after all."""
        self.active = 0
        """Exchanges, connections or flows that lead there or are about to: what least-request compares."""
        self.retired = False
        """No snapshot names it any more."""

    @property
    @abstractmethod
    def connections(self) -> int:
        """Idle, in use and being made."""

    @abstractmethod
    def retire(self) -> None:
        """No snapshot names it any more: what is idle closes now, and the rest as it comes back."""

    @abstractmethod
    def revive(self) -> None: ...


class EndpointPool(LiveEndpoint):
    """All connections to one endpoint, each of which can carry one exchange after the other."""

    __slots__ = ()

    @property
    @abstractmethod
    def full(self) -> bool:
        """Whoever asks now has to wait."""

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
