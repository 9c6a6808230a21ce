"""Objects that say what others may do: ReferenceGrant."""

from typing import Annotated

from msgspec import Meta

from proxy.resources.fields import Group, KindName, Name, NamespaceName
from proxy.resources.meta import Ignored, Model, Resource


class ReferenceGrantFrom(Model, frozen=True):
    """Who may refer."""

    group: Group
    kind: KindName
    namespace: NamespaceName


class ReferenceGrantTo(Model, frozen=True):
    """To what, in the grant's own namespace; without a name, to every object of the kind."""

    group: Group
    kind: KindName
    name: Name | None = None


class ReferenceGrantSpec(Model, frozen=True):
    """Every `from` may refer to every `to`."""

    from_: Annotated[tuple[ReferenceGrantFrom, ...], Meta(min_length=1, max_length=16)]
    to: Annotated[tuple[ReferenceGrantTo, ...], Meta(min_length=1, max_length=16)]


class ReferenceGrant(Resource, frozen=True):
    """Lets objects of other namespaces refer to objects of this one."""

    spec: ReferenceGrantSpec
    status: Ignored = None
