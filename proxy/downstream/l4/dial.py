"""The way from a relay to an endpoint: one is chosen and connected to, and another when it is not there."""

import asyncio
from typing import TYPE_CHECKING

from proxy.downstream.l4.side import Side
from proxy.errors import ProxyError
from proxy.protocol.proxy_protocol import encode_header
from proxy.upstream.direct import DirectEndpoint
from proxy.upstream.failures import connect_error
from proxy.upstream.handshake import connect
from proxy.upstream.live import LiveUpstream
from proxy.upstream.naming import Naming

if TYPE_CHECKING:
    from proxy.downstream.l4.relay import Relay

MOST_ENDPOINTS = 3
"""Asked when connecting fails."""


class Dial:
    """For one relay. The relay is told what comes of it: `join`, or `cut`."""

    __slots__ = ("_endpoint", "_loop", "_over", "_relay", "_task", "_tried", "_upstream")

    def __init__(self, relay: "Relay", upstream: LiveUpstream[DirectEndpoint], loop: asyncio.AbstractEventLoop) -> None:
        self._relay = relay
        self._upstream = upstream
        self._loop = loop
        self._tried: tuple[DirectEndpoint, ...] = ()
        self._endpoint: DirectEndpoint | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = False

    def begin(self) -> None:
        """Ask an endpoint that was not asked before."""
        endpoint = self._upstream.pick(self._tried)
        if endpoint is None:
            self._without_endpoint(self._upstream.naming)
            return
        self._endpoint = endpoint
        endpoint.taken()
        side = Side(self._relay)
        version = self._upstream.proxy_protocol
        opening = encode_header(version, self._relay.addresses) if version else b""
        task = self._task = self._loop.create_task(self._connect(endpoint, side, opening))
        self._relay.dialing(endpoint, again=bool(self._tried))
        task.add_done_callback(lambda task: self._connected(endpoint, side, task))

    def _without_endpoint(self, naming: Naming | None) -> None:
        """Nothing to connect to; where that is only because a DNS name has no answer yet, it is waited for."""
        if naming is None:
            self._relay.cut("no_ready_endpoint", "NE")
            return
        try:
            if not naming.pending:
                raise naming.error()
            naming.wait(self)
        except ProxyError as error:
            self.on_unnamed(error)

    def on_named(self) -> None:
        """What the DNS name leads to is known now."""
        if not self._over:
            self.begin()

    def on_unnamed(self, error: ProxyError) -> None:
        self._relay.cut(error.reason, error.flag)

    async def _connect(self, endpoint: DirectEndpoint, side: Side, opening: bytes) -> None:
        """`opening` goes before all else: before what the client has said, and before TLS."""
        host, port = endpoint.address
        if endpoint.secured is not None:
            await connect(self._loop, host, port, endpoint.secured, side, opening)
            return
        await self._loop.create_connection(lambda: side, host, port)
        if opening and side.transport is not None:
            side.transport.write(opening)

    def _connected(self, endpoint: DirectEndpoint, side: Side, task: "asyncio.Task[None]") -> None:
        cause = None if task.cancelled() else task.exception()
        if self._task is not task:
            side.relay = None
            side.abort()  # nobody waits for it any more
            return
        self._task = None
        if cause is None and not task.cancelled() and side.transport is not None:
            self._relay.join(side)
            return
        side.relay = None
        side.abort()
        self._failed(endpoint, "connect_timeout" if task.cancelled() else connect_error(endpoint.label, cause).reason)

    def _failed(self, endpoint: DirectEndpoint, reason: str) -> None:
        endpoint.left()
        self._endpoint = None
        endpoint.refused(reason)
        self._tried = (*self._tried, endpoint)
        others = [other for other in self._upstream.pools if other not in self._tried]
        if others and len(self._tried) < MOST_ENDPOINTS:
            self.begin()
        else:
            self._relay.cut(reason, "UF")

    @property
    def under_way(self) -> bool:
        """An endpoint is being connected to."""
        return self._task is not None

    def give_up(self) -> None:
        """It does not answer in time: another may."""
        if self._task is not None:
            self._task.cancel()

    def end(self) -> None:
        """The relay is over, connected or not."""
        self._over = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        if self._endpoint is not None:
            self._endpoint.left()
        if self._upstream.naming is not None:
            self._upstream.naming.forget(self)
