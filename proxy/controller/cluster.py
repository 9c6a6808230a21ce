"""What the controller needs of a cluster: requests to its API, and what its objects hold now."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from proxy.resources.kinds import KINDS, gateway_group, plural_of
from proxy.resources.meta import ObjectKey
from proxy.sources.kubernetes.errors import ApiError, Unreachable
from proxy.sources.kubernetes.objects import Current

__all__ = [
    "ApiError", "Client", "Cluster", "Current", "Object", "ObjectRef", "Unreachable",
    "api_version", "current_of", "is_newer", "path_of",
]  # fmt: skip

Object = dict[str, Any]
"""An object of the API, or what is sent to change one."""


class ObjectRef(NamedTuple):
    """One object of the API, by its kind and where it is."""

    kind: str
    key: ObjectKey

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Client(Protocol):
    """Requests to the API server."""

    async def request(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
    ) -> Object:
        """The object answered. Raises ApiError or Unreachable."""
        ...


class Cluster(Protocol):
    """What a source that follows a cluster knows of its objects beside their specs."""

    on_status: Callable[[str, ObjectKey], None] | None
    """Called in the event loop with the kind and key of an object of which the status has changed."""
    adopts: bool
    """Addresses that statuses of Gateways name hold here, too: another replica gives them out."""

    def current(self, kind: str, key: ObjectKey) -> Current | None:
        """None when there is no such object."""
        ...

    @property
    def complete(self) -> bool:
        """Everything that is to be read has been asked for, and answered at least once."""
        ...

    @property
    def bundle(self) -> tuple[str, str] | None:
        """Release and channel of the Gateway API CRDs that are installed; None when that cannot be read."""
        ...


def current_of(item: Object) -> Current:
    """From an object as the API answers it."""
    meta = item["metadata"]
    return Current(
        resource_version=meta.get("resourceVersion", ""),
        uid=meta.get("uid", ""),
        generation=meta.get("generation", 0),
        status=item.get("status") or {},
    )


def is_newer(one: Current, other: Current) -> bool:
    """Resource versions of one object are numbers that grow (KEP-5504); where they are not, `one` is believed."""
    mine, others = one.resource_version, other.resource_version
    return int(mine) > int(others) if mine.isdecimal() and others.isdecimal() else mine != others


def path_of(target: ObjectRef) -> str:
    """Of the object; its status is below it."""
    scope = f"/namespaces/{target.key.namespace}" if target.key.namespace else ""
    return f"/apis/{api_version(target.kind)}{scope}/{plural_of(target.kind)}/{target.key.name}"


def api_version(kind: str) -> str:
    """GROUP/VERSION of a kind whose status is written."""
    group = gateway_group(kind)
    return f"{group}/{KINDS[group, kind].versions[0]}"
