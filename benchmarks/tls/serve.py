"""python -m benchmarks.tls.serve LAYER PORT BACKEND DIRECTORY: one data plane over one layer of TLS, until SIGTERM.

    own     proxy.downstream.tls: memory BIOs, driven by us
    uvloop  `create_server(ssl=...)` of the event loop

Everything above is the same: ClientConnection, routing, forwarding, metrics. So are the SSLContext's settings, which
are those of `downstream.tls.contexts` for both. DIRECTORY holds chain.pem and key.pem. The endpoint is at 127.0.0.1
and port BACKEND; PORT is at 127.0.0.1, too, and printed once it is listened on; 0 takes a free one.
"""

import asyncio
import gc
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop
from msgspec.structs import replace

from benchmarks.micro.seam.common import Address
from benchmarks.micro.seam.product import snapshot
from proxy.downstream.connection import ClientConnection
from proxy.downstream.dataplane import DataPlane
from proxy.downstream.settings import DataPlaneSettings
from proxy.downstream.tls.contexts import server_context
from proxy.forward.origin import SecurePort
from proxy.observe.metrics import WorkerMetrics
from proxy.snapshot.certificate import Certificate
from proxy.snapshot.delta import difference
from proxy.snapshot.snapshot import Snapshot


class SecureLoop(uvloop.Loop):
    """What it accepts speaks TLS by the event loop's own layer, whatever the data plane knows of it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self._context = context

    async def create_server(self, protocol_factory: Callable[[], Any], *rest: Any, **options: Any) -> Any:
        """The factory is that of a BoundPort; what it would make believes that it carries clear text."""
        bound = protocol_factory.__self__  # type: ignore[attr-defined]

        def carried() -> ClientConnection:
            return ClientConnection(bound, SecurePort(bound.port, b"", "TLSv1.3"))

        return await super().create_server(carried, *rest, ssl=self._context, **options)


def secured(clear: Snapshot, certificate: Certificate) -> Snapshot:
    """The same with TLS on its only listener."""
    (listener,) = clear.listeners.values()
    https = replace(listener, protocol="HTTPS", certificates=(certificate.digest,))
    return replace(clear, listeners={https.key: https}, certificates={certificate.digest: certificate})


async def serve(sock: socket.socket, served: Snapshot) -> None:
    """Until cancelled."""
    plane = DataPlane(DataPlaneSettings(), WorkerMetrics.in_memory(), None)
    plane.commit(plane.prepare(difference(None, served)))
    await plane.open(served.binds[0], sock)
    print(sock.getsockname()[1], flush=True)
    gc.collect()
    gc.freeze()
    await asyncio.get_running_loop().create_future()


def main(layer: str, port: int, endpoint: Address, directory: Path) -> None:
    certificate = Certificate((directory / "chain.pem").read_bytes(), (directory / "key.pem").read_bytes())
    sock = socket.create_server(("127.0.0.1", port), backlog=1024)
    clear = snapshot(endpoint)
    if layer == "own":
        uvloop.run(serve(sock, secured(clear, certificate)))
    else:
        uvloop.run(serve(sock, clear), loop_factory=lambda: SecureLoop(server_context(certificate)))


if __name__ == "__main__":
    _, chosen, listen, backend, holding = sys.argv
    main(chosen, int(listen), ("127.0.0.1", int(backend)), Path(holding))
