"""The admin address and the metrics address: in a cluster from the start, else when requests are being served."""

import logging
from typing import TYPE_CHECKING

from proxy.admin.view import View
from proxy.runtime.settings import Address, Settings
from proxy.runtime.sockets import BindError, display

if TYPE_CHECKING:
    from proxy.admin.server import AdminServer

log = logging.getLogger("penstock")


class AdminAddresses:
    """One that cannot be bound is an error in the log and no reason not to serve requests."""

    def __init__(self, view: View, settings: Settings) -> None:
        self.url = ""
        """Of the admin address, once it is up."""
        self._view = view
        self._settings = settings
        self._servers: list[AdminServer] = []

    async def start(self) -> bool:
        """True when all that were asked for are up."""
        admin = await self._serve(self._settings.admin, "--admin")
        if admin is not None:
            host = "localhost" if admin.host in {"", "0.0.0.0", "::"} else admin.host
            self.url = f"http://{display(host)}:{admin.port}/"
        metrics = self._settings.metrics
        return (metrics is None or await self._serve(metrics, "--metrics") is not None) and admin is not None

    async def stop(self) -> None:
        for server in self._servers:
            await server.stop()

    async def _serve(self, address: Address, option: str) -> "AdminServer | None":
        from proxy.admin.server import AdminServer  # noqa: PLC0415 - half a second, while requests are served

        host, port = address
        server = AdminServer(self._view, host, port, everything=option == "--admin")
        try:
            await server.start()
        except OSError as error:
            why = BindError(host, port, error)
            log.error("%s: %s\nhint: choose another address with %s HOST:PORT", option, why, option)
            return None
        self._servers.append(server)
        return server
