"""Which release of the Gateway API CRDs is installed, as they say themselves."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, NamedTuple

from proxy.sources.kubernetes.client import ApiError, KubernetesClient, Unreachable

log = logging.getLogger("penstock")

CRD: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gatewayclasses.gateway.networking.k8s.io"
PREFIX: Final = "gateway.networking.k8s.io/"
EVERY: Final = 60.0
"""Seconds between two looks."""
SOONER: Final = 10.0
"""The same, while it is not known."""
RULE: Final = (
    '{apiGroups: ["apiextensions.k8s.io"], resources: [customresourcedefinitions],'
    " resourceNames: [gatewayclasses.gateway.networking.k8s.io], verbs: [get]}"
)


class Bundle(NamedTuple):
    """https://gateway-api.sigs.k8s.io/concepts/versioning/"""

    version: str
    """Such as v1.6.1."""
    channel: str
    """standard or experimental."""


class BundleReader:
    """Asks again and again: CRDs are upgraded while we run. What is not known now was perhaps known before."""

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client
        self._is_quiet = False
        """Why it is not known has been said, or it was known: an API server that starts knows no roles yet."""

    async def read(self) -> Bundle | None:
        """None when there is no such CRD, it does not say, or we may not read it, which is said once."""
        try:
            crd = await self._client.get(CRD)
        except ApiError as error:
            self._explain(error)
            return None
        except Unreachable:
            return None
        self._is_quiet = True
        annotations = (crd.get("metadata") or {}).get("annotations") or {}
        version, channel = (annotations.get(PREFIX + name) for name in ("bundle-version", "channel"))
        return Bundle(str(version), str(channel or "standard")) if version else None

    async def follow(self, take: Callable[[Bundle], None]) -> None:
        """Until it is cancelled."""
        while True:
            if bundle := await self.read():
                take(bundle)
            await asyncio.sleep(EVERY if bundle else SOONER)

    def _explain(self, error: ApiError) -> None:
        if error.status == 403 and not self._is_quiet:
            self._is_quiet = True
            log.warning(
                "GatewayClasses do not tell whether the installed Gateway API is known: %s\n"
                "  hint: add to the rules of the ClusterRole that we are bound to: %s",
                error.message,
                RULE,
            )
