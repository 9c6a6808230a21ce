"""The volumes of a Pod, read from the API server: Secrets, ConfigMaps, empty directories, the service account."""

import base64
from collections.abc import Mapping
from typing import Any

from tests.conformance.node.api import Api, Object
from tests.conformance.node.files import Volume

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_TOKEN_SECONDS = 86_400
"""Longer than any cluster of ours lives, so no token has to be renewed."""

_SOURCES = {"secret": ("secrets", "secretName"), "configMap": ("configmaps", "name")}


class NotThereYetError(Exception):
    """A Secret or ConfigMap that the Pod needs does not exist: a kubelet waits for it."""


async def mounts_of(api: Api, pod: Object, container: Object, has_token: bool) -> dict[str, Volume]:
    """Mount path to files, for one container. Raises NotThereYetError."""
    declared = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
    found = {
        mount["mountPath"]: await _read(api, pod["metadata"]["namespace"], declared[mount["name"]])
        for mount in container.get("volumeMounts", [])
    }
    if has_token and pod["spec"].get("automountServiceAccountToken", True):
        found[TOKEN_PATH] = await service_account(api, pod)
    return found


async def _read(api: Api, namespace: str, volume: Object) -> Volume:
    for kind, (plural, key) in _SOURCES.items():
        if source := volume.get(kind):
            held = await api.get(f"/api/v1/namespaces/{namespace}/{plural}/{source[key]}")
            if held is None and not source.get("optional"):
                raise NotThereYetError(f"{kind} {namespace}/{source[key]}")
            return chosen(contents(held or {}, is_secret=kind == "secret"), source.get("items"))
    return {}  # an emptyDir, or what we do not know


def contents(held: Mapping[str, Any], is_secret: bool) -> Volume:
    """Key to value of a Secret or ConfigMap."""
    data = held.get("data") or {}
    files = {key: base64.b64decode(value) if is_secret else value.encode() for key, value in data.items()}
    binary = held.get("binaryData") or {}
    return files | {key: base64.b64decode(value) for key, value in binary.items()}


def chosen(files: Volume, items: list[dict[str, str]] | None) -> Volume:
    """`items` names the keys wanted, and the path of each."""
    if items is None:
        return files
    return {item["path"]: files[item["key"]] for item in items if item["key"] in files}


async def service_account(api: Api, pod: Object) -> Volume:
    """What a kubelet projects for in-cluster clients: a token, bound to the Pod, the authority, the namespace."""
    metadata = pod["metadata"]
    namespace = metadata["namespace"]
    account = pod["spec"].get("serviceAccountName")
    wanted: Object = {"expirationSeconds": _TOKEN_SECONDS}
    if account:  # the API server binds no token to a Pod that names none: the admission plugin that names it is off
        wanted["boundObjectRef"] = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"], "uid": metadata["uid"]}
    account = account or "default"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": wanted}
    granted = await api.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", request)
    authority = await api.get(f"/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt")
    if granted is None or authority is None:
        raise NotThereYetError(f"service account {namespace}/{account} with its authority")
    return {
        "token": granted["status"]["token"].encode(),
        "ca.crt": authority["data"]["ca.crt"].encode(),
        "namespace": namespace.encode(),
    }
