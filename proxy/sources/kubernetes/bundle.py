"""Which release of the Gateway API CRDs is installed, as they say themselves."""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from proxy.sources.kubernetes.client import ApiError, KubernetesClient, Unreachable

CRD: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gatewayclasses.gateway.networking.k8s.io"
PREFIX: Final = "gateway.networking.k8s.io/"
EVERY: Final = 60.0
"""Seconds between two looks."""


class Bundle(NamedTuple):
    """https://gateway-api.sigs.k8s.io/concepts/versioning/"""

    version: str
    """Such as v1.6.1."""
    channel: str
    """standard or experimental."""


async def read_bundle(client: KubernetesClient) -> Bundle | None:
    """None when there is no such CRD, it does not say, or we may not read it."""
    try:
        crd = await client.get(CRD)
    except (ApiError, Unreachable):
        return None
    annotations = (crd.get("metadata") or {}).get("annotations") or {}
    version, channel = (annotations.get(PREFIX + name) for name in ("bundle-version", "channel"))
    return Bundle(str(version), str(channel or "standard")) if version else None


async def follow_bundle(client: KubernetesClient, take: Callable[[Bundle], None]) -> None:
    """Looks again and again: CRDs are upgraded while we run. What is not known now was perhaps known before."""
    while True:
        if bundle := await read_bundle(client):
            take(bundle)
        await asyncio.sleep(EVERY)
