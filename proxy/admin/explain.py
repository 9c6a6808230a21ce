"""/api/v1/explain: what `penstock explain --json` prints, of the configuration that is running.

Of a running gateway it adds `serving`: which workers have that configuration, and whether the address is bound.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from proxy.admin.dump import names
from proxy.admin.view import View
from proxy.downstream.settings import DataPlaneSettings
from proxy.protocol.limits import Limits
from proxy.snapshot.names import NameKey
from proxy.snapshot.question import CLIENT, Asked, BadQuestion
from proxy.translate.explain.explain import explain
from proxy.translate.explain.scene import GatewayWide

Data = dict[str, Any]

PARAMETERS = ("url", "method", "header", "client", "server_name", "address")


def gateway_wide(settings: DataPlaneSettings) -> GatewayWide:
    """What of the settings an answer depends on."""
    return GatewayWide(
        trusted_proxies=settings.trusted_proxies,
        limits=Limits(),
        connect=settings.connect_timeout,
        response_head=settings.response_head_timeout,
        idle=settings.exchange_idle_timeout,
        header=settings.header_timeout,
        body=settings.body_timeout,
    )


def question(query: Iterable[tuple[str, str]]) -> Asked:
    """Of the pairs of a query string; `header` (name:value) as often as needed. Raises BadQuestion."""
    pairs = list(query)
    given = dict(reversed(pairs))
    unknown = sorted(given.keys() - set(PARAMETERS))
    if unknown:
        raise BadQuestion(f"there is no parameter {unknown[0]}; there are: {', '.join(PARAMETERS)}")
    if not given.get("url"):
        raise BadQuestion(f"ask with ?url=http://host/path; there are also: {', '.join(PARAMETERS[1:])}")
    headers = [value.partition(":") for name, value in pairs if name == "header"]
    return Asked(
        given.get("method", "GET"),
        given["url"],
        tuple((name, value.strip()) for name, _, value in headers),
        client=given.get("client", CLIENT),
        server_name=given.get("server_name"),
        address=given.get("address", ""),
    )


class Explainer:
    """Answers one question at a time, in a thread: a large configuration takes a while, and control must not wait."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._asking = asyncio.Lock()

    async def answer(self, asked: Asked) -> Data:
        """Raises BadQuestion."""
        async with self._asking:
            source = self._view.explained
            if source is None:
                raise BadQuestion("there is no configuration yet")
            told = await asyncio.to_thread(explain, source, asked)
            self._resolve(told.get("backends", ()))
            return told | {"serving": self._serving(source.translation.snapshot.generation, told)}

    def _resolve(self, backends: Iterable[Data]) -> None:
        """What DNS names lead to at this moment, beside them."""
        known = names(self._view)
        for name in (name for backend in backends for name in backend["names"]):
            found = known.get(NameKey(name["host"], name["external"]))
            if found is not None:
                name["resolved"] = found

    def _serving(self, generation: int, told: Mapping[str, Any]) -> Data:
        """`bound`: whether the address is, of what was asked; None where there is none."""
        at = [one for one in told["addresses"] if one["address"] == told["address"]]
        bound = {(address or "*", port) for address, port, transport in self._view.bound if transport == "TCP"}
        return {
            "generation": generation,
            "workers": {str(index): worker.generation for index, worker in self._view.workers.items()},
            "bound": all((one["address"], one["port"]) in bound for one in at) if at else None,
        }
