"""A coroutine for each connection over asyncio's streams, as a textbook writes a proxy. On uvloop.

The buffers are as large as uvloop's reads: with the default of 64 KiB a large answer would cost more.
Left out beside what all leave out: chunked answers, and taking octets after an answer for the fault they are.
"""

import asyncio
import socket

from benchmarks.micro.seam.common import (
    END,
    READ,
    Address,
    Refused,
    client_fields,
    parse_answer,
    parse_request,
    route,
    served,
    sign,
)
from proxy.protocol.http1.encode import JOIN_BELOW, encode_request, encode_response
from proxy.protocol.message import Headers

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class StreamProxy:
    """Everything one process needs to serve."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._idle: list[Streams] = []

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection from a client, to its end."""
        fields = client_fields(writer.transport)
        try:
            while True:
                await self._exchange(await reader.readuntil(END), writer, fields)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _exchange(self, head: bytes, client: asyncio.StreamWriter, fields: Headers) -> None:
        """One request and its answer."""
        request = parse_request(head)
        rule = route(request)
        sign(request, fields)
        streams = self._idle.pop() if self._idle else await asyncio.open_connection(*self._address, limit=READ)
        try:
            streams[1].write(encode_request(request, True))
            status = await self._relay(streams[0], client)
        except BaseException:
            streams[1].close()
            raise
        served[rule, status] += 1
        self._idle.append(streams)

    async def _relay(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> int:
        """The answer; returns its status."""
        answer = parse_answer(await reader.readuntil(END))
        if answer.chunked:
            raise Refused("a chunked answer")
        out = encode_response(answer)
        left = answer.content_length
        while left:
            chunk = await reader.read(min(left, READ))
            if not chunk:
                raise ConnectionError("the endpoint closed within its answer")
            left -= len(chunk)
            if not out:
                client.write(chunk)
            elif len(chunk) < JOIN_BELOW:
                client.write(out + chunk)
            else:
                client.writelines([out, chunk])
            out = b""
            await client.drain()
        return answer.status


async def serve(sock: socket.socket, address: Address) -> None:
    proxy = StreamProxy(address)
    # The server is kept by the event loop as long as it listens.
    await asyncio.start_server(proxy.connected, sock=sock, limit=READ)
