"""caCertificateRefs: which ConfigMaps they lead to, and the CA certificates that those hold.

Checked in the order of other references: kind, permission, existence, content. Each user has its own reasons
for what it reports, so what is wrong is said here in the user's words, and named by where it went wrong.

Unlike a certificate that is served, a bundle that turns bad is not replaced by what it last was: the API wants
connections that would rest on it to fail (BackendTLSPolicy.spec.validation.caCertificateRefs).
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from msgspec import Struct

from proxy.resources.core import ConfigMap
from proxy.resources.gateway import GROUP
from proxy.resources.meta import LocalObjectReference, ObjectKey, ObjectReference, Wanted
from proxy.resources.policy import ReferenceGrant
from proxy.resources.store import ResourceSet
from proxy.snapshot.certificate import CABundle
from proxy.translate.graph.nearest import Names
from proxy.translate.graph.references import Grants
from proxy.translate.graph.x509 import BadCertificate, read_bundle

KEY = "ca.crt"


class BundleNode(Struct, frozen=True, eq=False):
    """The bundle of a ConfigMap. Compared by what it is."""

    config_map: str
    """NAMESPACE/NAME."""
    key: str
    """CABundle.digest."""
    bundle: CABundle

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BundleNode) and (self.config_map, self.key) == (other.config_map, other.key)

    def __hash__(self) -> int:
        return hash(self.key)


class BadReference(NamedTuple):
    """Why a reference leads to no bundle."""

    wrong: Literal["kind", "permission", "missing", "content"]
    part: str
    """The field of the reference that is to blame."""
    message: str
    hint: str = ""


class _Read(NamedTuple):
    """What came of one ConfigMap; kept as long as it is the same instance."""

    config_map: ConfigMap
    outcome: BundleNode | BadReference


class CACertificates:
    """Resolves references to ConfigMaps, and remembers which were asked for."""

    def __init__(self, resources: ResourceSet, previous: "CACertificates | None" = None) -> None:
        self._config_maps = resources.by_kind(ConfigMap)
        self._grant_objects: Iterable[ReferenceGrant] = resources.by_kind(ReferenceGrant).values()
        self._grants: Grants | None = None
        self._names: dict[str, Names] = {}
        self._known: Mapping[ObjectKey, _Read] = previous._read if previous else {}
        self._read: dict[ObjectKey, _Read] = {}
        self.wanted: set[Wanted] = set()
        """ConfigMaps that are referred to and may be read, whether they are there or not."""

    def resolve(
        self, kind: str, namespace: str, ref: LocalObjectReference | ObjectReference
    ) -> BundleNode | BadReference:
        """`kind` (of the Gateway API) and `namespace`: of the object that refers."""
        if (ref.group, ref.kind) != ("", "ConfigMap"):
            return _bad_kind(ref)
        elsewhere = ref.namespace if isinstance(ref, ObjectReference) else None
        key = ObjectKey(elsewhere or namespace, ref.name)
        if not self._permits(kind, namespace, key):
            return _not_permitted(kind, namespace, key)
        self.wanted.add(Wanted("ConfigMap", key.namespace, key.name))
        config_map = self._config_maps.get(key)
        if config_map is None:
            return BadReference("missing", "name", f"there is no ConfigMap {key}", self._hint(namespace, key))
        return self._read_once(key, config_map).outcome

    def _permits(self, kind: str, namespace: str, key: ObjectKey) -> bool:
        if self._grants is None:
            self._grants = Grants(self._grant_objects)
        return self._grants.permits(
            from_group=GROUP, from_kind=kind, from_namespace=namespace,
            group="", kind="ConfigMap", namespace=key.namespace, name=key.name,
        )  # fmt: skip

    def _hint(self, namespace: str, key: ObjectKey) -> str:
        """Names of other namespaces are nobody's business."""
        if key.namespace != namespace:
            return "create it"
        if namespace not in self._names:
            self._names[namespace] = Names(name for where, name in self._config_maps if where == namespace)
        return self._names[namespace].hint(key.name, f"ConfigMaps of namespace {namespace}")

    def _read_once(self, key: ObjectKey, config_map: ConfigMap) -> _Read:
        known = self._read.get(key) or self._known.get(key)
        if known is None or known.config_map is not config_map:
            known = _Read(config_map, _read(key, config_map))
        self._read[key] = known
        return known


def _read(key: ObjectKey, config_map: ConfigMap) -> BundleNode | BadReference:
    pem = config_map.value(KEY)
    if not pem:
        return BadReference("content", "name", f"ConfigMap {key} has no key {KEY}", "put the PEM certificates there")
    try:
        bundle = read_bundle(pem)
    except BadCertificate as bad:
        return BadReference("content", "name", f"{bad.part} of ConfigMap {key} {bad.message}", bad.hint)
    return BundleNode(str(key), bundle.digest, bundle)


def _bad_kind(ref: LocalObjectReference | ObjectReference) -> BadReference:
    named = f"{ref.kind}.{ref.group}" if ref.group else ref.kind
    part = "group" if ref.kind == "ConfigMap" else "kind"
    return BadReference("kind", part, f"{named} cannot hold CA certificates", "use a core ConfigMap")


def _not_permitted(kind: str, namespace: str, key: ObjectKey) -> BadReference:
    return BadReference(
        "permission",
        "namespace",
        f"no ReferenceGrant lets {kind}s of namespace {namespace} refer to ConfigMap {key}",
        f"add a ReferenceGrant to namespace {key.namespace}: from {kind} in {namespace}, to ConfigMap {key.name}",
    )
