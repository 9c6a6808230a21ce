"""What all kinds share: metadata, keys, references, label selectors, conditions."""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from msgspec import Meta, Struct, field

from proxy.resources.fields import MAX_INT64, Group, KindName, Name, NamespaceName, Port

Ignored = Any
"""The type of fields that are accepted because the API has them, and never read."""


class Model(Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True, gc=False):
    """Base of everything declared. `gc=False`: models are trees, so the cycle collector need not walk
    the millions of them that a large configuration makes."""


class ObjectKey(NamedTuple):
    """Which object of a kind. Cluster-scoped kinds have the namespace ""."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Wanted(NamedTuple):
    """An object that something declared refers to by name, such as a listener's Secret."""

    kind: str
    """Secret or ConfigMap."""
    namespace: str
    name: str


class ObjectMeta(Model, frozen=True):
    """metadata, as far as a gateway reads it."""

    name: str = ""
    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    creation_timestamp: str | None = None
    """RFC 3339; None in files that give none."""
    generation: Annotated[int, Meta(ge=0, le=MAX_INT64)] = 0
    uid: str = ""
    resource_version: str = ""
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: Ignored = None
    finalizers: Ignored = None
    generate_name: Ignored = None
    managed_fields: Ignored = None
    owner_references: Ignored = None
    self_link: Ignored = None


class Resource(Model, frozen=True):
    """Base of every top-level kind."""

    api_version: str
    kind: str
    metadata: ObjectMeta

    namespaced: ClassVar[bool] = True

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.metadata.namespace, self.metadata.name)

    @property
    def group(self) -> str:
        """The API group; "" is the core group."""
        return self.api_version.rpartition("/")[0]


class LabelSelectorRequirement(Model, frozen=True):
    """One entry of matchExpressions."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


class LabelSelector(Model, frozen=True):
    """Both parts must hold; an empty selector selects everything."""

    match_labels: dict[str, str] = field(default_factory=dict)
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()


class LocalObjectReference(Model, frozen=True):
    """An object in the same namespace."""

    group: Group
    kind: KindName
    name: Name


class ObjectReference(Model, frozen=True):
    """An object that may be in another namespace, all but that stated (caCertificateRefs)."""

    group: Group
    kind: KindName
    name: Name
    namespace: NamespaceName | None = None


class SecretObjectReference(Model, frozen=True):
    """A Secret, unless it says otherwise (certificateRefs)."""

    name: Name
    group: Group = ""
    kind: KindName = "Secret"
    namespace: NamespaceName | None = None


class BackendObjectReference(Model, frozen=True):
    """A Service, unless it says otherwise."""

    name: Name
    group: Group = ""
    kind: KindName = "Service"
    namespace: NamespaceName | None = None
    port: Port | None = None


class Condition(Struct, frozen=True, rename="camel"):
    """One entry of a status's `conditions`."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    observed_generation: int = 0
    last_transition_time: str = ""
    """RFC 3339; whoever writes the status fills it in."""
