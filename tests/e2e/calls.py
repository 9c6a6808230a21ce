"""gRPC by grpcio, both ends: a service without a .proto file, whose messages are octets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import grpc
import grpc.aio
from msgspec.structs import replace

from proxy.snapshot.route import RouteMatch, Rule
from proxy.snapshot.snapshot import Upstream
from tests.e2e.gateway import Gateway, rule, to

SERVICE = "test.Echo"
OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
"""Each channel has connections of its own."""

Context = Any
Metadata = tuple[tuple[str, str | bytes], ...]


class Endpoint:
    """`async with Endpoint() as endpoint:` serves test.Echo on `endpoint.port`."""

    def __init__(self, name: str = "one") -> None:
        self.name = name
        self.calls = 0
        self.cancelled = 0
        self.metadata: Metadata = ()
        self.remaining: float | None = None
        """Seconds that the last call was given, as the server sees it."""

    async def __aenter__(self) -> Self:
        self.server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
        methods = {
            "Unary": grpc.unary_unary_rpc_method_handler(self._seen(self.unary)),
            "Name": grpc.unary_unary_rpc_method_handler(self._seen(self.named)),
            "Fail": grpc.unary_unary_rpc_method_handler(self._seen(self.fail)),
            "Hang": grpc.unary_unary_rpc_method_handler(self._seen(self.hang)),
            "Count": grpc.unary_stream_rpc_method_handler(self.count),
            "Collect": grpc.stream_unary_rpc_method_handler(self._seen(self.collect)),
            "Early": grpc.stream_unary_rpc_method_handler(self._seen(self.early)),
            "Chat": grpc.stream_stream_rpc_method_handler(self.chat),
        }
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.server.stop(None)

    def _seen(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def seen(request: Any, context: Context) -> Any:
            self.note(context)
            try:
                return await method(request, context)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise

        return seen

    def note(self, context: Context) -> None:
        self.calls += 1
        self.metadata = tuple(context.invocation_metadata())
        self.remaining = context.time_remaining()

    async def unary(self, request: bytes, context: Context) -> bytes:
        await context.send_initial_metadata((("x-head", "h"),))
        context.set_trailing_metadata((("x-tail", "t"), ("x-tail-bin", b"\x00\xff")))
        return request

    async def named(self, request: bytes, context: Context) -> bytes:
        return self.name.encode()

    async def fail(self, request: bytes, context: Context) -> bytes:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not so: é%")
        raise AssertionError

    async def hang(self, request: bytes, context: Context) -> bytes:
        await asyncio.sleep(60)
        return b""

    async def count(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
        self.note(context)
        try:
            for i in range(int(request)):
                yield b"%d" % i
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def collect(self, requests: AsyncIterator[bytes], context: Context) -> bytes:
        return b"".join([message async for message in requests])

    async def early(self, requests: AsyncIterator[bytes], context: Context) -> bytes:
        async for _ in requests:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "enough")
        raise AssertionError

    async def chat(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        self.note(context)
        async for message in requests:
            yield message.upper()


class Client:
    """A channel to the gateway, for calls of test.Echo."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS)

    def unary(self, method: str, request: bytes = b"", **more: Any) -> Any:
        return self.channel.unary_unary(f"/{SERVICE}/{method}")(request, **more)

    def server_streaming(self, method: str, request: bytes = b"", **more: Any) -> Any:
        return self.channel.unary_stream(f"/{SERVICE}/{method}")(request, **more)

    def client_streaming(self, method: str, requests: Any = None, **more: Any) -> Any:
        return self.channel.stream_unary(f"/{SERVICE}/{method}")(requests, **more)

    def bidirectional(self, method: str, **more: Any) -> Any:
        return self.channel.stream_stream(f"/{SERVICE}/{method}")(**more)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.channel.close()


Served = tuple[RouteMatch, Rule, tuple[Upstream, ...]]


def calls_to(*ports: int, **parts: Any) -> Served:
    """A rule of a GRPCRoute for every call, with an endpoint on each port."""
    match, made, upstreams = rule(to(*ports), **parts)
    return match, replace(made, kind="GRPCRoute"), tuple(replace(one, protocol="h2") for one in upstreams)


@asynccontextmanager
async def between(*rules: Served, **more: Any) -> AsyncIterator[tuple[Client, Gateway]]:
    """A client of a gateway with these rules."""
    async with Gateway(*rules, **more) as gateway, Client(gateway.port) as client:
        yield client, gateway


async def error_of(call: Any) -> tuple[grpc.StatusCode, str]:
    """What a call fails with."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details() or ""
    raise AssertionError("the call succeeded")
