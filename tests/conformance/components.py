"""The command line of each process of a cluster, in the order in which they start."""

import sys
from collections.abc import Callable, Mapping

from tests.conformance import binaries
from tests.conformance.place import API_PORT, NODE_IP, POD_NET, ROOT, SERVICE_NET, Place

_ETCD = "http://127.0.0.1:2379"
_CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "deployment-controller",
    "replicaset-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
    "endpoints-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
)
"""Those that Deployments, Services, namespaces and service accounts need; the node agent binds Pods by itself."""


def etcd(place: Place) -> list[str]:
    return [
        str(binaries.path("etcd")),
        f"--data-dir={place.memory / 'etcd'}",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--log-level=warn",
    ]


def kube_apiserver(place: Place) -> list[str]:
    """Bound to the node's address only, so that 0.0.0.0 is left to the implementation under test. RBAC is on."""
    return [
        str(binaries.path("kube-apiserver")),
        f"--etcd-servers={_ETCD}",
        f"--bind-address={NODE_IP}",
        f"--advertise-address={NODE_IP}",
        f"--secure-port={API_PORT}",
        f"--tls-cert-file={place.pki}/server.crt",
        f"--tls-private-key-file={place.pki}/server.key",
        f"--token-auth-file={place.pki}/tokens.csv",
        f"--service-cluster-ip-range={SERVICE_NET}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={place.pki}/sa.pub",
        f"--service-account-signing-key-file={place.pki}/sa.key",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",  # else every Pod of the suite waits for a token volume
        "--kubelet-preferred-address-types=InternalIP",
        "--endpoint-reconciler-type=none",
        "--allow-privileged",
        "--profiling=false",
        "--max-requests-inflight=4000",
        "--max-mutating-requests-inflight=2000",
    ]


def kube_controller_manager(place: Place) -> list[str]:
    return [
        str(binaries.path("kube-controller-manager")),
        f"--kubeconfig={place.kubeconfig}",
        f"--controllers={','.join(_CONTROLLERS)}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--authentication-skip-lookup",
        f"--root-ca-file={place.pki}/ca.crt",
        f"--service-account-private-key-file={place.pki}/sa.key",
        f"--cluster-cidr={POD_NET}",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--concurrent-namespace-syncs=10",
        "--min-resync-period=12h",
    ]


def node_agent(place: Place) -> list[str]:
    return [sys.executable, "-m", "tests.conformance.node", place.name]


COMPONENTS: Mapping[str, Callable[[Place], list[str]]] = {
    "etcd": etcd,
    "kube-apiserver": kube_apiserver,
    "kube-controller-manager": kube_controller_manager,
    "node-agent": node_agent,
}
"""Name to command line; started in this order, stopped in the other."""

ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
"""What all of them get; only the node agent reads it. Python finds this package wherever it was started."""
