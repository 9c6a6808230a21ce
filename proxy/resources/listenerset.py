"""ListenerSet (gateway.networking.k8s.io): listeners that somebody else adds to a Gateway."""

from typing import Annotated

from msgspec import Meta

from proxy.resources.fields import Group, KindName, Name, NamespaceName
from proxy.resources.gateway import GROUP, Listener
from proxy.resources.meta import Ignored, Model, Resource


class ParentGatewayReference(Model, frozen=True):
    """The Gateway that the listeners are to be added to; without a namespace, one of the set's own."""

    name: Name
    group: Group = GROUP
    kind: KindName = "Gateway"
    namespace: NamespaceName | None = None


class ListenerSetSpec(Model, frozen=True):
    """ListenerSet.spec. An entry (ListenerEntry) has the fields of a Gateway's listener."""

    parent_ref: ParentGatewayReference
    listeners: Annotated[tuple[Listener, ...], Meta(min_length=1, max_length=64)]


class ListenerSet(Resource, frozen=True):
    """Listeners beside those that a Gateway declares itself; it must allow them."""

    spec: ListenerSetSpec
    status: Ignored = None
