"""A client of HTTP/2 that goes by RFC 9113 to the letter, and files each request by what became of it.

A request may be sent again when its stream is above the last of a GOAWAY (section 6.8) or was refused (section 8.7),
and for no other reason. After a GOAWAY no stream is begun on its connection. Whatever else ends a request is a fault.
"""

import asyncio
import itertools
import ssl
from collections import Counter
from collections.abc import Sequence

from h2.config import H2Configuration
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, Event, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from tests.h2_connection import Connection
from tests.patience import PATIENCE

ANY_STREAM = 2**31 - 1


class Book:
    """What became of all requests, by number."""

    def __init__(self) -> None:
        self.answered: Counter[int] = Counter()
        self.given_back: Counter[int] = Counter()
        self.faults: list[str] = []


class Asking:
    """One request on one stream."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.status = 0
        self.size = 0
        self.answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """True when it was, False when it may be sent again. A fault is neither, and nobody waits for it any more."""


def size_of(number: int) -> int:
    """Octets of the answer to a request."""
    return number * 7919 % 40_000


class StrictConnection:
    """One connection; `ask` as long as it is not `going`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, book: Book) -> None:
        self.port = port
        self.going = False
        self.goodbyes: list[int] = []
        """The last stream that each GOAWAY named."""
        self.highest = 0
        """The highest stream begun."""
        self.in_flight = 0
        """Streams that were open when the first GOAWAY came."""
        self._book = book
        self._reader = reader
        self._writer = writer
        self._h2 = Connection(H2Configuration(client_side=True, header_encoding=None))
        self._h2.initiate_connection()
        self._flush()
        self._open: dict[int, Asking] = {}
        self.reading = asyncio.create_task(self._read())

    async def ask(self, number: int) -> bool:
        """Whether it was answered; if not it may be sent again."""
        assert not self.going
        asking = Asking(number)
        stream = self.highest = self._h2.get_next_available_stream_id()
        self._open[stream] = asking
        body = number % 2
        fields = [(b":method", b"POST" if body else b"GET"), (b":scheme", b"http"), (b":authority", b"a.example")]
        self._h2.send_headers(stream, [*fields, (b":path", b"/%d" % number)], end_stream=not body)
        self._flush()
        if body:
            await asyncio.sleep(0)  # a GOAWAY may come between head and body
            self._send_body(stream)
        return await asyncio.wait_for(asking.answered, 3 * PATIENCE)

    def _send_body(self, stream: int) -> None:
        if stream in self._open:
            self._h2.send_data(stream, b"half")
            self._h2.send_data(stream, b"whole", end_stream=True)
            self._flush()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self._writer.is_closing():
            self._writer.write(data)

    # --- receiving ----------------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(1 << 16):
                for event in self._h2.receive_data(data):
                    self._hear(event)
                self._flush()
        except (ConnectionError, ProtocolError) as error:
            self._fault(f"the connection broke: {error!r}")
        self.going = True
        for stream in tuple(self._open):
            self._ends(stream, f"closed, and stream {stream} was not answered (GOAWAY {self.goodbyes})")
        self._writer.close()

    def _hear(self, event: Event) -> None:
        if isinstance(event, ConnectionTerminated):
            self._hear_goodbye(event)
            return
        stream = getattr(event, "stream_id", None) or 0
        asking = self._open.get(stream)
        if asking is None:
            return
        if isinstance(event, ResponseReceived):
            asking.status = int(dict(event.headers)[b":status"])
        elif isinstance(event, DataReceived):
            asking.size += len(event.data)
            self._h2.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, StreamEnded):
            whole = (asking.status, asking.size) == (200, size_of(asking.number))
            self._ends(stream, "" if whole else f"status {asking.status}, {asking.size} octets of the answer")
        elif isinstance(event, StreamReset) and event.error_code == ErrorCodes.REFUSED_STREAM:
            self._give_back(stream)
        elif isinstance(event, StreamReset):
            self._ends(stream, f"RST_STREAM {event.error_code}")

    def _hear_goodbye(self, event: ConnectionTerminated) -> None:
        last = event.last_stream_id or 0
        if event.error_code or (self.goodbyes and last > self.goodbyes[-1]):
            self._fault(f"GOAWAY {event.error_code}, {last} after {self.goodbyes}")
        if not self.goodbyes:
            self.in_flight = len(self._open)
        self.goodbyes.append(last)
        self.going = True
        for stream in [stream for stream in self._open if stream > last]:
            self._give_back(stream)

    def _give_back(self, stream: int) -> None:
        asking = self._open.pop(stream)
        if asking.status:
            self._fault(f"request {asking.number} was answered in part and then refused")
        self._book.given_back[asking.number] += 1
        asking.answered.set_result(False)

    def _ends(self, stream: int, fault: str) -> None:
        asking = self._open.pop(stream)
        if fault:
            self._fault(f"request {asking.number}: {fault}")
        else:
            self._book.answered[asking.number] += 1
        asking.answered.set_result(True)

    def _fault(self, text: str) -> None:
        self._book.faults.append(f"port {self.port}: {text}")


class StrictClient:
    """Keeps `streams` requests in flight on each of `connections`, which go to the ports in turn."""

    def __init__(
        self, ports: Sequence[int], connections: int = 4, streams: int = 8, secure: ssl.SSLContext | None = None
    ) -> None:
        self.book = Book()
        self.made: list[StrictConnection] = []
        self._ports = itertools.cycle(ports)
        self._secure = secure
        self._numbers = itertools.count()
        self._stopping = False
        self._places: list[StrictConnection | None] = [None] * connections
        self._locks = [asyncio.Lock() for _ in range(connections)]
        self._flights = [asyncio.create_task(self._fly(place)) for place in range(connections) for _ in range(streams)]

    async def _fly(self, place: int) -> None:
        """One request after the other, each until it is answered."""
        while not self._stopping:
            number = next(self._numbers)
            while not await (await self._connection(place)).ask(number):
                pass

    async def _connection(self, place: int) -> StrictConnection:
        async with self._locks[place]:
            connection = self._places[place]
            while connection is None or connection.going:
                connection = self._places[place] = await self._connect(next(self._ports))
            return connection

    async def _connect(self, port: int) -> StrictConnection | None:
        """None where nobody listens any more, or closes before its TLS is there: nothing was asked of it."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=self._secure)
        except OSError:
            return None
        self.made.append(StrictConnection(reader, writer, port, self.book))
        return self.made[-1]

    async def stop(self) -> None:
        """Every request that was begun has its answer. Raises what went wrong in the client itself."""
        self._stopping = True
        await asyncio.gather(*self._flights)
        for connection in self.made:
            connection._writer.close()
        await asyncio.gather(*(connection.reading for connection in self.made))

    def to(self, port: int) -> list[StrictConnection]:
        return [connection for connection in self.made if connection.port == port]
