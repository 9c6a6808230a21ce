"""HTTP/2 with prior knowledge by h2, both ends."""

import asyncio
import ssl
from collections.abc import Sequence

from h2.config import H2Configuration
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    InformationalResponseReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

from tests.e2e.versions.conversation import Answered, Asked, Client, Endpoint, Fields, Incoming, Inward, Talk
from tests.h2_connection import Connection


class Wire:
    """A connection of either end: reads until its end, and sends within the windows."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, client: bool) -> None:
        self._reader = reader
        self.writer = writer
        self.h2 = Connection(H2Configuration(client_side=client, header_encoding=None))
        self._settle()
        self.h2.initiate_connection()
        self._moved = asyncio.Event()
        self.goodbyes: list[tuple[int, int]] = []
        """Error code and last stream of each GOAWAY of the other side."""

    def _settle(self) -> None:
        """Settings of its own, before the first are sent."""

    async def flush(self) -> None:
        data = self.h2.data_to_send()
        if data:
            self.writer.write(data)
            await self.writer.drain()

    async def events(self) -> list[Event]:
        """[] at the end."""
        data = await self._reader.read(1 << 16)
        if not data:
            return []
        try:
            events = self.h2.receive_data(data)
        except ProtocolError:
            return []
        for event in events:
            if isinstance(event, DataReceived) and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, ConnectionTerminated):
                self.goodbyes.append((int(event.error_code), event.last_stream_id or 0))
        self._moved.set()
        await self.flush()
        return events or await self.events()

    async def send(self, stream: int, data: bytes) -> None:
        """Waits for windows."""
        while data:
            size = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(data))
            if size <= 0:
                self._moved.clear()
                await self._moved.wait()
                continue
            self.h2.send_data(stream, data[:size])
            data = data[size:]
            await self.flush()

    async def end(self, stream: int, trailers: Fields | None) -> None:
        if trailers:
            self.h2.send_headers(stream, trailers, end_stream=True)
        else:
            self.h2.end_stream(stream)
        await self.flush()

    async def reset(self, stream: int, code: int) -> None:
        self.h2.reset_stream(stream, code)
        await self.flush()


class Http2Talk(Talk):
    def __init__(self, wire: Wire, stream: int) -> None:
        super().__init__()
        self._wire = wire
        self.stream = stream
        self.reset: int | None = None
        """The code of the RST_STREAM that it ended with."""

    async def send(self, data: bytes) -> None:
        await self._wire.send(self.stream, data)

    async def end(self, trailers: Fields | None = None) -> None:
        await self._wire.end(self.stream, trailers)

    async def leave(self) -> None:
        await self._wire.reset(self.stream, 8)


class Http2Client(Client):
    """Many exchanges at a time."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._talks: dict[int, Http2Talk] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, port: int, secure: ssl.SSLContext | None = None) -> "Http2Client":
        if secure is not None:
            secure.set_alpn_protocols(["h2"])
        wire = Wire(*await asyncio.open_connection("127.0.0.1", port, ssl=secure), client=True)
        await wire.flush()
        return cls(wire)

    async def ask(
        self,
        method: bytes,
        path: bytes,
        fields: Sequence[tuple[bytes, bytes]] = (),
        *,
        end: bool = True,
        authority: bytes = b"a.example",
        scheme: bytes = b"http",
    ) -> Http2Talk:
        stream = self.wire.h2.get_next_available_stream_id()
        pseudo = [(b":method", method), (b":scheme", scheme), (b":path", path), (b":authority", authority)]
        talk = self._talks[stream] = Http2Talk(self.wire, stream)
        self.wire.h2.send_headers(stream, [*pseudo, *fields], end_stream=end)
        await self.wire.flush()
        return talk

    async def _read(self) -> None:
        try:
            while events := await self.wire.events():
                for event in events:
                    self._hear(event)
        except ConnectionError:
            pass
        self.wire.writer.close()
        for talk in self._talks.values():
            talk.fails()

    def _hear(self, event: Event) -> None:
        talk = self._talks.get(getattr(event, "stream_id", 0) or 0)
        if talk is None:
            return
        if isinstance(event, InformationalResponseReceived):
            talk.interim.append(int(dict(event.headers)[b":status"]))
        elif isinstance(event, ResponseReceived):
            fields = [(bytes(name), bytes(value)) for name, value in event.headers]
            talk.answered(Answered(int(fields[0][1]), fields[1:]))
        elif isinstance(event, StreamReset):
            del self._talks[talk.stream]
            talk.reset = int(event.error_code)
            talk.fails()
        else:
            _fill(talk._answer.result() if talk._answer.done() else None, event)
            if isinstance(event, StreamEnded):
                del self._talks[talk.stream]

    async def close(self) -> None:
        self.wire.writer.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)


def _fill(message: Incoming | None, event: Event) -> None:
    if message is None:
        return
    if isinstance(event, DataReceived):
        message.comes(event.data)
    elif isinstance(event, TrailersReceived):
        message.trailers = [(bytes(name), bytes(value)) for name, value in event.headers]
    elif isinstance(event, StreamEnded):
        message.ends()


class Http2Inward(Inward):
    def __init__(self, wire: Wire, stream: int) -> None:
        self._wire = wire
        self._stream = stream

    async def interim(self, status: int, fields: Fields) -> None:
        await self.head(status, fields)

    async def head(self, status: int, fields: Fields) -> None:
        self._wire.h2.send_headers(self._stream, [(b":status", b"%d" % status), *fields])
        await self._wire.flush()

    async def send(self, data: bytes) -> None:
        await self._wire.send(self._stream, data)

    async def end(self, trailers: Fields | None) -> None:
        await self._wire.end(self._stream, trailers)

    async def cut(self) -> None:
        await self._wire.reset(self._stream, 2)

    async def hang_up(self) -> None:
        self._wire.writer.close()


class Http2Endpoint(Endpoint):
    """h2c, as appProtocol kubernetes.io/h2c has it."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._talk(Wire(reader, writer, client=False))

    async def _talk(self, wire: Wire) -> None:
        await wire.flush()
        open_streams: dict[int, Asked] = {}
        everything: dict[int, Asked] = {}
        while events := await wire.events():
            for event in events:
                stream = getattr(event, "stream_id", 0) or 0
                if isinstance(event, RequestReceived):
                    fields = [(bytes(name), bytes(value)) for name, value in event.headers]
                    pseudo = dict(fields)
                    asked = Asked(pseudo[b":method"], pseudo[b":path"], fields, Http2Inward(wire, stream))
                    open_streams[stream] = everything[stream] = asked
                    self.asked.put_nowait(asked)
                elif isinstance(event, StreamReset):
                    everything[stream].left.set()
                    if stream in open_streams:
                        open_streams.pop(stream).is_cut()
                elif stream in open_streams:
                    _fill(open_streams[stream], event)
                    if isinstance(event, StreamEnded):
                        del open_streams[stream]
        for asked in open_streams.values():
            asked.is_cut()
        for asked in everything.values():
            asked.left.set()
