"""Where the objects that are made for Gateways live in the API, and whether one is still as it was made."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from proxy.controller.cluster import Object, ObjectRef
from proxy.resources.meta import ObjectKey
from proxy.resources.own import MANAGED_BY, MANAGER
from proxy.translate.graph.names import GATEWAY_NAME, GATEWAY_NAMESPACE, owner_labels
from proxy.translate.infrastructure.objects import FOR_GATEWAY, Generated

SELECTOR = f"{MANAGED_BY}={MANAGER},{GATEWAY_NAME},{GATEWAY_NAMESPACE}"
"""Of everything that was made for any Gateway."""
APPLIED = "penstock.dev/applied"
"""An annotation: the digest of what was applied last. Without it a field that was taken out would look as meant."""


class Place(NamedTuple):
    """Where a kind is in the API."""

    prefix: str
    plural: str
    everywhere: bool
    """In the namespaces of Gateways; else in that of the data plane alone."""


PLACES = {
    "ServiceAccount": Place("/api/v1", "serviceaccounts", False),
    "Deployment": Place("/apis/apps/v1", "deployments", False),
    "Service": Place("/api/v1", "services", True),
    "EndpointSlice": Place("/apis/discovery.k8s.io/v1", "endpointslices", True),
}


def path_of(ref: ObjectRef) -> str:
    place = PLACES[ref.kind]
    return f"{place.prefix}/namespaces/{ref.key.namespace}/{place.plural}/{ref.key.name}"


def list_path(kind: str, namespace: str) -> str:
    place = PLACES[kind]
    scope = "" if place.everywhere else f"/namespaces/{namespace}"
    return f"{place.prefix}{scope}/{place.plural}"


def ref_of(kind: str, item: Mapping[str, Any]) -> ObjectRef:
    return ObjectRef(kind, ObjectKey(item["metadata"].get("namespace", ""), item["metadata"]["name"]))


def whole(kind: str, item: Object) -> Object:
    """An entry of a list, which leaves out what all entries have in common."""
    return {**item, "apiVersion": PLACES[kind].prefix.split("/", 2)[2], "kind": kind}


def applied_form(made: Generated) -> Object:
    """What is sent: the object, with its digest."""
    meta = made.body["metadata"]
    annotations = {**meta.get("annotations", {}), APPLIED: digest(made.body)}
    return {**made.body, "metadata": {**meta, "annotations": annotations}}


def digest(body: Object) -> str:
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()[:16]


def is_made_for(item: Mapping[str, Any], gateway: ObjectKey) -> bool:
    """By its labels, and by its owner where it has one: what is somebody else's is never touched."""
    meta = item["metadata"]
    owners = [each["name"] for each in meta.get("ownerReferences") or () if each.get("controller")]
    ours = owner_labels(gateway).items() <= (meta.get("labels") or {}).items()
    return ours and owners in ([], [gateway.name])


def gateway_of(item: Mapping[str, Any]) -> ObjectKey | None:
    """For whom it was made, as it says itself."""
    namespace, _, name = str((item["metadata"].get("annotations") or {}).get(FOR_GATEWAY, "")).partition("/")
    found = ObjectKey(namespace, name)
    return found if name and is_made_for(item, found) else None


def is_leaving(item: Mapping[str, Any], wanted: Object) -> bool:
    """On its way out: deleted already, or owned by an earlier Gateway of that name, after which it will be."""
    owners = {each.get("uid") for each in item["metadata"].get("ownerReferences") or ()}
    meant = {each["uid"] for each in wanted["metadata"].get("ownerReferences", ())}
    return "deletionTimestamp" in item["metadata"] or (bool(owners and meant) and not owners & meant)


def is_as_made(item: Object, wanted: Object, stored: Object | None) -> bool:
    """Whether this is what was applied last, and nothing is missing of it. `stored` is how it was answered then."""
    meant = _digest_of(wanted)
    if _digest_of(item) != meant:
        return False
    return covers(item, stored if stored is not None and _digest_of(stored) == meant else wanted)


def _digest_of(item: Object) -> str | None:
    digest: str | None = (item["metadata"].get("annotations") or {}).get(APPLIED)
    return digest


def as_stored(there: Any, wanted: Any) -> Any:
    """What is wanted, in the API server's own spelling: it writes `cpu: 0.1` as `100m`."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        return {name: as_stored(there[name], value) for name, value in wanted.items() if name in there}
    if isinstance(there, list) and isinstance(wanted, list) and len(there) == len(wanted):
        return list(map(as_stored, there, wanted))
    return there


def covers(there: Any, wanted: Any) -> bool:
    """Everything wanted is there. What the API server or others have added does not matter."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(name in there and covers(there[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        return isinstance(there, list) and len(there) == len(wanted) and all(map(covers, there, wanted))
    return bool(there == wanted)
