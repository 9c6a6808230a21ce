"""Penstock as a process of the cluster: its rights, its class, its start and its end.

Its rights are those of the project's own manifests in config/kubernetes/: it gets the token of the
ServiceAccount they declare and so is held to their ClusterRole.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from tests.conformance import pki, processes
from tests.conformance.client import Client, Object, wait_until
from tests.conformance.components import ENVIRONMENT
from tests.conformance.crds import documents
from tests.conformance.place import GATEWAY_ADDRESSES, ROOT, Place

CLASS = "penstock"
CONTROLLER = "penstock.dev/gateway-controller"
MANIFESTS = tuple(ROOT / "config" / "kubernetes" / name for name in ("crds", "base", "components/services"))
"""What of an installation comes before the program: it gives every Gateway a Service that names its address."""
ADMIN = "127.0.0.1:9900"
WORKERS = 2
_SOURCES = ("kubernetes:",)

_GROUP = "penstock.dev"
_FIRST = frozenset({"Namespace", "CustomResourceDefinition"})
_RIGHTS = _FIRST | {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
"""What of the manifests comes before the program; Deployments and Services are for those who run it as a Pod."""

_PARAMETERS = f"""
apiVersion: {_GROUP}/v1alpha1
kind: GatewayParameters
metadata: {{name: {CLASS}, namespace: default}}
spec:
  addresses:
    pool: ["{GATEWAY_ADDRESSES[0]}-{GATEWAY_ADDRESSES[-1]}"]
"""
_CLASS = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: {CLASS}}}
spec:
  controllerName: {CONTROLLER}
"""
_REFERENCE = {"group": _GROUP, "kind": "GatewayParameters", "name": CLASS, "namespace": "default"}


def prepare(place: Place) -> list[str]:
    """Apply rights, CRDs and class; returns what was not as it will be for a user, one sentence each."""
    client = Client(place)
    for document in rights():
        client.apply_object(document)
    return _apply_class(client)


def rights(*folders: Path) -> list[Object]:
    """Of these, else of MANIFESTS: what comes before the program, namespaces and CRDs first."""
    found = [each for folder in folders or MANIFESTS for each in documents(folder) if each["kind"] in _RIGHTS]
    return sorted(found, key=lambda document: document["kind"] not in _FIRST)


def _apply_class(client: Client) -> list[str]:
    [gateway_class] = yaml.safe_load_all(_CLASS)
    crd = client.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gatewayparameters.{_GROUP}")
    if crd is None:
        _apply_afresh(client, gateway_class)
        return ["the CRD of GatewayParameters is not there: Gateways have no pool of addresses"]
    wait_until("GatewayParameters served", lambda: client.get(f"/apis/{_GROUP}/v1alpha1"), 30)
    client.apply(_PARAMETERS)
    gateway_class["spec"]["parametersRef"] = _REFERENCE
    _apply_afresh(client, gateway_class)
    return []


def _apply_afresh(client: Client, gateway_class: Object) -> None:
    """Without the status that an earlier Penstock may have left in a kept cluster."""
    client.apply_object(gateway_class)
    unknown = {"type": "Accepted", "status": "Unknown", "reason": "Pending", "message": "Waiting for controller"}
    condition = {**unknown, "lastTransitionTime": "1970-01-01T00:00:00Z"}
    client.patch(f"{client.path_of(gateway_class)}/status", {"status": {"conditions": [condition]}})


def service_account() -> Object:
    """The one that the Deployment of the manifests runs as."""
    [account] = [document for document in rights() if document["kind"] == "ServiceAccount"]
    return account


def kubeconfig(place: Place) -> Path:
    """The one of the manifests' ServiceAccount, with a fresh token, or the last one while the API server is away."""
    path = place.directory / "penstock.kubeconfig"
    try:
        token = token_of(Client(place), service_account())
    except OSError:
        if not path.exists():
            raise
    else:
        pki.write_kubeconfig(place, path, "penstock", token)
    return path


def token_of(client: Client, account: Object) -> str:
    """A token for a ServiceAccount, valid for a day."""
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 86_400}}
    token: str = client.call("POST", f"{client.path_of(account)}/token", request)["status"]["token"]
    return token


def command(options: Iterable[str] = (), sources: Sequence[str] = _SOURCES) -> list[str]:
    """The command line; `options` come after ours and so win."""
    return [
        *(sys.executable, "-m", "proxy", "run", *sources),
        *("--admin", ADMIN, "--workers", str(WORKERS), "--log-level", "info"),
        *options,
    ]


def start(
    place: Place,
    name: str = "penstock",
    options: Iterable[str] = (),
    sources: Sequence[str] = _SOURCES,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Start it inside the cluster; its output goes to the log of that name. Returns its process id."""
    namespace = service_account()["metadata"]["namespace"]
    own = {**ENVIRONMENT, "KUBECONFIG": str(kubeconfig(place)), "POD_NAMESPACE": namespace}
    return processes.spawn(place, name, command(options, sources), {**own, **(environment or {})})


def stop(place: Place, name: str = "penstock") -> None:
    """SIGTERM, and patience for its drain."""
    processes.stop(place, name, patience=40)


def ended(place: Place, name: str = "penstock") -> str:
    """The end of its log if it has ended, else ""."""
    if name in processes.running(place):
        return ""
    log = place.logs / f"{name}.log"
    return log.read_text(errors="replace")[-2000:].strip() or "it ended without a word"
