"""A KubernetesSource on an API server of tests."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from proxy.resources.httproute import HTTPRoute
from proxy.resources.meta import ObjectKey, Resource
from proxy.sources.kubernetes.access import Access
from proxy.sources.kubernetes.backoff import Pace
from proxy.sources.kubernetes.client import KubernetesClient
from proxy.sources.kubernetes.credentials import Credential, Fixed
from proxy.sources.kubernetes.source import KubernetesSource
from proxy.sources.kubernetes.state import StateFile
from proxy.sources.kubernetes.tls import Trust
from tests.sources.kubernetes.api_server import ApiServer

QUICK = Pace(first=0.01, longest=0.05)


def access_to(server: ApiServer, token: str = "") -> Access:
    return Access(server.url, Fixed(Credential(token)), Trust(), told_by="a test")


class Meter:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, ...], float] = {}

    def count(self, name: str, labels: tuple[str, ...] = (), by: float = 1.0) -> None:
        key = (name.removeprefix("penstock_kubernetes_"), *labels)
        self.values[key] = self.values.get(key, 0.0) + by

    def set(self, name: str, labels: tuple[str, ...], value: float) -> None:
        self.values[(name.removeprefix("penstock_kubernetes_"), *labels)] = value


def source_of(server: ApiServer, namespaces: Sequence[str] = (), state: StateFile | None = None) -> KubernetesSource:
    return KubernetesSource(KubernetesClient(access_to(server)), namespaces, state, pace=QUICK, save_every=0.01)


@asynccontextmanager
async def following(
    server: ApiServer, namespaces: Sequence[str] = (), state: StateFile | None = None
) -> AsyncIterator[KubernetesSource]:
    """Opened; stopped afterwards."""
    source = source_of(server, namespaces, state)
    try:
        await source.open()
        yield source
    finally:
        await source.stop()


def held(source: KubernetesSource, model: type[Resource] = HTTPRoute) -> dict[str, Resource]:
    """Name to object."""
    return {key.name: item for key, item in source.load().resources.by_kind(model).items()}


def messages(source: KubernetesSource) -> list[str]:
    return [" ".join(filter(None, [p.severity, p.object, p.message])) for p in source.load().problems]


EDGE = ObjectKey("default", "edge")
