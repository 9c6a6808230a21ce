"""When a container is ready: its readinessProbe if that counts for its image, else as soon as it listens."""

import asyncio
from typing import NamedTuple

import aiohttp

from tests.conformance.node.api import Object
from tests.conformance.node.container import Container
from tests.conformance.node.images import Image

_SOON = 0.02
"""Seconds between looks at a container that has just started and has no probe."""
_STARTING = 0.2
"""Seconds between probes until the first success; then the probe's own period."""


class HttpProbe(NamedTuple):
    """The fields of a readinessProbe with httpGet that we honour. Times in seconds."""

    url: str
    period: float
    timeout: float
    failures: int


def probe_of(container: Object, ip: str) -> HttpProbe | None:
    """None if it has no readinessProbe with httpGet. Raises LookupError for a port name it does not have."""
    probe = container.get("readinessProbe") or {}
    get = probe.get("httpGet")
    if get is None:
        return None
    port = port_number(get["port"], container)
    scheme = get.get("scheme", "HTTP").lower()
    return HttpProbe(
        url=f"{scheme}://{get.get('host') or ip}:{port}/{get.get('path', '/').lstrip('/')}",
        period=probe.get("periodSeconds", 10),
        timeout=probe.get("timeoutSeconds", 1),
        failures=probe.get("failureThreshold", 3),
    )


def port_number(port: int | str, container: Object) -> int:
    """A number, or the number of the container's port of that name."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    for declared in container.get("ports", []):
        if declared.get("name") == port:
            return int(declared["containerPort"])
    raise LookupError(f"container {container['name']} has no port named {port}")


async def until_ready(container: Container, image: Image, ip: str, http: aiohttp.ClientSession) -> None:
    """Returns when the container is ready for the first time since it started."""
    probe = probe_of(container.spec, ip) if image.has_probes else None
    while not (await answers(probe, http) if probe else container.is_listening()):  # noqa: ASYNC110 - /proc sends no event
        await asyncio.sleep(_STARTING if probe else _SOON)


async def until_unready(container: Container, image: Image, ip: str, http: aiohttp.ClientSession) -> None:
    """Returns when a ready container has failed its probe as often as that allows; never if it has none."""
    probe = probe_of(container.spec, ip) if image.has_probes else None
    if probe is None:
        await asyncio.Event().wait()
        return
    failed = 0
    while failed < probe.failures:
        await asyncio.sleep(probe.period)
        failed = 0 if await answers(probe, http) else failed + 1


async def answers(probe: HttpProbe, http: aiohttp.ClientSession) -> bool:
    """Any status from 200 to 399, as for a kubelet."""
    timeout = aiohttp.ClientTimeout(total=probe.timeout)
    try:
        async with http.get(probe.url, timeout=timeout, ssl=False, allow_redirects=False) as response:
            return 200 <= response.status < 400
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
