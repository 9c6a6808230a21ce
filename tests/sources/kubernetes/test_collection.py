"""A collection and an object that protects others: unreadable, it is stood in for; once sound, it is what it was."""

from typing import Any

from proxy.resources.backendtlspolicy import UNSOUND, BackendTLSPolicy
from proxy.resources.meta import ObjectKey
from proxy.sources.kubernetes.collection import Collection
from proxy.sources.kubernetes.objects import read_object

GROUP, KIND = "gateway.networking.k8s.io", "BackendTLSPolicy"
KEY = ObjectKey("default", "p")


def put(collection: Collection, version: int, hostname: Any = "a.example", *, target: str = "a", uid: str = "1") -> str:
    """Whom the policy trusts that is served then; a hostname that is no text makes it one that nobody can read."""
    meta = {"name": "p", "namespace": "default", "uid": uid, "resourceVersion": str(version), "generation": version}
    validation = {"hostname": hostname, "wellKnownCACertificates": "System"}
    spec = {"targetRefs": [{"group": "", "kind": "Service", "name": target}], "validation": validation}
    collection.put(read_object({"metadata": meta, "spec": spec}, GROUP, KIND, f"{GROUP}/v1"))
    return str(served(collection).spec.validation.well_known_ca_certificates)


def served(collection: Collection) -> BackendTLSPolicy:
    policy = collection.get(KEY)
    assert isinstance(policy, BackendTLSPolicy)
    return policy


def test_what_was_never_sound_is_stood_in_for_until_it_is() -> None:
    collection = Collection(KIND)
    assert put(collection, 1, {"new": "kind"}) == UNSOUND
    assert (served(collection).metadata.generation, served(collection).metadata.uid) == (1, "1")
    assert "last good" not in collection.problems()[0].hint
    assert put(collection, 2, 7, target="b") == UNSOUND
    assert served(collection).spec.target_refs[0].name == "b"
    assert put(collection, 3) == "System"
    assert collection.problems() == []


def test_what_was_sound_serves_on_unless_it_is_another_object() -> None:
    collection = Collection(KIND)
    put(collection, 1)
    assert put(collection, 2, 7) == "System"
    assert "last good" in collection.problems()[0].hint
    assert put(collection, 3, 7, uid="2") == UNSOUND
    collection.remove(KEY)
    assert collection.get(KEY) is None
