"""The admin address and the metrics address, over aiohttp.

aiohttp takes half a second to import, so that control imports this module only when requests are
being served already.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from proxy.admin import dump
from proxy.admin.dashboard import page
from proxy.admin.explain import Explainer, question
from proxy.admin.origin import is_allowed
from proxy.admin.readiness import is_ready, readiness
from proxy.admin.view import View
from proxy.observe.exposition import OPENMETRICS, TEXT
from proxy.snapshot.question import BadQuestion

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SHUTDOWN = 0.2
"""Seconds that answers under way have to end when we stop."""

JSON: dict[str, Callable[[View], object]] = {
    "overview": dump.overview,
    "listeners": dump.listeners,
    "routes": dump.routes,
    "backends": dump.backends,
    "status": dump.status,
    "config": dump.config,
}
"""/api/v1/NAME to what it shows."""


class AdminServer:
    """One address. Everything on it is read-only."""

    def __init__(self, view: View, host: str, port: int, everything: bool) -> None:
        """`everything`: the admin address; else only what probes and Prometheus need, without a Host check."""
        self._view = view
        self._explainer = Explainer(view)
        self.host = host
        self.port = port
        app = web.Application(middlewares=[self._guard] if everything else [_read_only])
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", _healthz)
        app.router.add_get("/readyz", self._readyz)
        if everything:
            app.router.add_get("/", self._page)
            app.router.add_get("/api/v1/explain", self._explain)
            app.router.add_get("/api/v1/{name}", self._api)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN)

    async def start(self) -> None:
        """Raises OSError when the address cannot be bound. Port 0 becomes the one that was free."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.host or None, self.port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_allowed(request.headers.get("Host"), self.host):
            text = "This Host is not known here: use an IP address, localhost, or the name that --admin has.\n"
            return web.Response(status=421, text=text)
        return await _read_only(request, handler)

    async def _metrics(self, request: web.Request) -> web.Response:
        openmetrics = "application/openmetrics-text" in request.headers.get("Accept", "")
        body = self._view.render_metrics(openmetrics)
        response = web.Response(body=body, headers={"Content-Type": OPENMETRICS if openmetrics else TEXT})
        response.enable_compression()
        return response

    async def _readyz(self, request: web.Request) -> web.Response:
        return _json(readiness(self._view), status=200 if is_ready(self._view) else 503)

    async def _page(self, request: web.Request) -> web.Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
        headers = {"Content-Security-Policy": policy}
        return web.Response(text=page(self._view), content_type="text/html", headers=headers)

    async def _api(self, request: web.Request) -> web.Response:
        show = JSON.get(request.match_info["name"])
        if show is None:
            raise web.HTTPNotFound(text=f"There is no such thing. There are: {', '.join((*JSON, 'explain'))}.\n")
        return _json(show(self._view))

    async def _explain(self, request: web.Request) -> web.Response:
        """What admin.explain.PARAMETERS ask."""
        try:
            return _json(await self._explainer.answer(question(request.query.items())))
        except BadQuestion as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None


async def _healthz(request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


@web.middleware
async def _read_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """405 for everything but GET and HEAD; nothing is cached, framed or sniffed."""
    if request.method not in {"GET", "HEAD"}:
        return web.Response(status=405, headers={"Allow": "GET, HEAD"}, text="Only GET and HEAD.\n")
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = web.Response(status=error.status, text=error.text)
    response.headers.update({"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
    return response


def _json(data: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=dump.encode(data), content_type="application/json")
