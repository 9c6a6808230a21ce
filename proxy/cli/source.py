"""SOURCE... and the options that go with it: which source a command reads."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from proxy.runtime.settings import Cluster
    from proxy.sources.base import Source
    from proxy.sources.kubernetes.source import KubernetesSource

KUBERNETES: Final = "kubernetes:"

F = TypeVar("F", bound=Callable[..., Any])


def cluster_options(command: F) -> F:
    """--kubeconfig, --context and --watch-namespaces, for `kubernetes:`."""
    options = (
        click.option(
            "--kubeconfig",
            default="",
            show_default="KUBECONFIG, else the Pod's service account, else ~/.kube/config",
            metavar="PATH",
            help="How to reach the cluster of kubernetes:.",
        ),
        click.option(
            "--context", default="", show_default="the current one", metavar="NAME", help="Of the kubeconfig."
        ),
        click.option(
            "--watch-namespaces",
            multiple=True,
            show_default="all",
            metavar="NS,...",
            help="Follow namespaced kinds in these namespaces only.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def cluster_of(
    sources: Sequence[str],
    kubeconfig: str = "",
    context: str = "",
    watch_namespaces: Sequence[str] = (),
    state_dir: str | None = None,
) -> "Cluster | None":
    """None when the sources are files. Raises UsageError."""
    from proxy.runtime.settings import Cluster, parse_namespaces

    if KUBERNETES not in sources:
        return None
    if len(sources) > 1:
        raise click.UsageError("kubernetes: stands alone: files beside it would have no place in the cluster")
    try:
        namespaces = parse_namespaces(watch_namespaces)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--watch-namespaces") from None
    return Cluster(kubeconfig, context, namespaces, state_dir or "")


def make_source(sources: Sequence[str], cluster: "Cluster | None") -> "Source":
    """Reads nothing yet. Raises UsageError when no cluster is configured."""
    if cluster is not None:
        return kubernetes_source(cluster)
    from proxy.sources.file import FileSource

    return FileSource(sources)


def kubernetes_source(cluster: "Cluster") -> "KubernetesSource":
    from proxy.sources.kubernetes.access import find_access
    from proxy.sources.kubernetes.client import KubernetesClient
    from proxy.sources.kubernetes.errors import AccessError
    from proxy.sources.kubernetes.source import KubernetesSource
    from proxy.sources.kubernetes.state import StateFile

    try:
        access = find_access(cluster.kubeconfig, cluster.context)
    except AccessError as error:
        raise click.UsageError(str(error)) from None
    state = StateFile(cluster.state_dir) if cluster.state_dir else None
    return KubernetesSource(KubernetesClient(access), cluster.namespaces, state)
