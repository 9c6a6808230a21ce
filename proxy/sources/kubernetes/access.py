"""How to reach an API server: the service account of a Pod, or a kubeconfig.

A kubeconfig that is given wins; then the Pod's own account; then ~/.kube/config.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from proxy.sources.kubernetes.credentials import Credentials, FromFiles
from proxy.sources.kubernetes.errors import AccessError
from proxy.sources.kubernetes.tls import Trust

SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"


class Access(Struct, frozen=True):
    """All that a client needs. Printing it shows no secret."""

    server: str
    """https://host:port, without a slash at the end."""
    credentials: Credentials
    trust: Trust
    server_name: str = ""
    """Whom the certificate must be for, when not for the host of `server`."""
    headers: tuple[tuple[str, str], ...] = ()
    """Of impersonation."""
    told_by: str = ""
    """Where all this stands, for people."""

    def __repr__(self) -> str:
        return f"Access({self.server}, {self.told_by})"

    __str__ = __repr__


def find_access(
    kubeconfig: str = "",
    context: str = "",
    *,
    environ: Mapping[str, str] = os.environ,
    account: str = SERVICE_ACCOUNT,
) -> Access:
    """`kubeconfig` and `context` as on the command line, "" for neither. Raises AccessError."""
    from proxy.sources.kubernetes.kubeconfig import access_of, read_kubeconfig  # noqa: PLC0415 - it needs Access

    if kubeconfig:
        return access_of(read_kubeconfig([kubeconfig], must_exist=True), context)
    if paths := [path for path in environ.get("KUBECONFIG", "").split(os.pathsep) if path]:
        return access_of(read_kubeconfig(paths), context)
    host, token = environ.get("KUBERNETES_SERVICE_HOST", ""), os.path.join(account, "token")
    if host and os.path.exists(token) and not context:
        return in_cluster(host, environ.get("KUBERNETES_SERVICE_PORT", "443"), account)
    home = str(Path(environ.get("HOME", "~")).expanduser() / ".kube" / "config")
    if os.path.exists(home):
        return access_of(read_kubeconfig([home]), context)
    raise AccessError(
        f"no cluster is configured: there is neither --kubeconfig or KUBECONFIG, nor a Pod's service account "
        f"(KUBERNETES_SERVICE_HOST and {token}), nor {home}"
    )


def in_cluster(host: str, port: str, account: str) -> Access:
    """The account that is mounted into every Pod; its token and authorities are replaced while we run."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Access(
        f"https://{authority}",
        FromFiles(token=os.path.join(account, "token")),
        Trust(os.path.join(account, "ca.crt")),
        told_by=f"the service account in {account}",
    )
