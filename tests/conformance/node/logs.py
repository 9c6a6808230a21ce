"""The kubelet's server, as far as the API server needs it: the logs of containers."""

import asyncio
import ssl
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from aiohttp import web

from tests.conformance.node.agent import Agent
from tests.conformance.node.container import Container, Line
from tests.conformance.place import KUBELET_PORT, NODE_IP, Place

_FOLLOW = 0.2
"""Seconds between looks for new lines."""


async def serve_logs(agent: Agent, place: Place) -> None:
    """Listens from now until the process ends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        container = agent.container(*(request.match_info[part] for part in ("namespace", "pod", "container")))
        if container is None:
            raise web.HTTPNotFound(text="no such container on this node")
        return await send(request, container)

    app = web.Application()
    app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place.pki / "server.crt", place.pki / "server.key")
    await web.TCPSite(runner, NODE_IP, KUBELET_PORT, ssl_context=context).start()


async def send(request: web.Request, container: Container) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    lines = selected(container.lines, request.query, time.time())
    stamps = request.query.get("timestamps") == "true"
    await response.write(text_of(lines, stamps))
    if request.query.get("follow") == "true":
        last = lines[-1].time if lines else time.time()
        while container.runs:
            await asyncio.sleep(_FOLLOW)
            lines = [line for line in list(container.lines) if line.time > last]
            if lines:
                last = lines[-1].time
                await response.write(text_of(lines, stamps))
    await response.write_eof()
    return response


def selected(lines: Iterable[Line], query: Mapping[str, str], now: float) -> list[Line]:
    """What sinceTime (RFC 3339), sinceSeconds and tailLines leave."""
    found = list(lines)
    if since := query.get("sinceTime"):
        begin = datetime.fromisoformat(since).timestamp()
        found = [line for line in found if line.time >= begin]
    elif seconds := query.get("sinceSeconds"):
        found = [line for line in found if line.time >= now - int(seconds)]
    tail = query.get("tailLines")
    return found if tail is None else found[max(0, len(found) - int(tail)) :]


def text_of(lines: Iterable[Line], stamps: bool) -> bytes:
    if not stamps:
        return b"".join(line.text for line in lines)
    return b"".join(datetime.fromtimestamp(line.time, UTC).isoformat().encode() + b" " + line.text for line in lines)
