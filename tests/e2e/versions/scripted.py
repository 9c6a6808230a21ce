"""An endpoint of HTTP/2 that does frame by frame what a script says, also what no library would."""

import asyncio

from hpack import Decoder

from tests.e2e.peers import Ended, Peer
from tests.protocol.http2 import frames as f

ANY_STREAM = 2**31 - 1
OF_THE_CONNECTION = (f.SETTINGS, f.WINDOW_UPDATE, f.PING)


class Script:
    """The endpoint's end of one connection. What is asked is awaited in order, frame by frame."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._at = len(f.PREFACE)
        self._decoder = Decoder()
        self._opening = f.settings(MAX_CONCURRENT_STREAMS=100)
        """Goes out with the first word, or before the first that is heard."""

    async def says(self, *frames: bytes) -> None:
        opening, self._opening = self._opening, b""
        await self._peer.send(opening + b"".join(frames))

    async def hears_request(self, stream: int, end: bool = True) -> dict[bytes, bytes]:
        """A head; `end`: that is all of the request."""
        flags, payload = await self._hears(f.HEADERS, stream)
        assert bool(flags & f.END_STREAM) is end
        return {bytes(name): bytes(value) for name, value in self._decoder.decode(payload, raw=True)}

    async def hears_body(self, stream: int, data: bytes, end: bool) -> None:
        """So many octets, in frames of any size; `end`: they are the last."""
        got, flags = b"", 0
        while len(got) < len(data) or (end and not flags & f.END_STREAM):
            flags, payload = await self._hears(f.DATA, stream)
            got += payload
        assert (got, bool(flags & f.END_STREAM)) == (data, end)

    async def hears_reset(self, stream: int) -> int:
        """Its code."""
        return int.from_bytes((await self._hears(f.RST_STREAM, stream))[1], "big")

    async def hears_end(self) -> None:
        """Nothing more of any stream, and the connection is closed."""
        try:
            heard = await self._next()
        except Ended:
            return
        raise AssertionError(f"heard {heard} instead of the end")

    async def _hears(self, kind: int, stream: int) -> tuple[int, bytes]:
        got, flags, where, payload = await self._next()
        assert (got, where) == (kind, stream), f"frame {got} on stream {where} instead of {kind} on {stream}"
        return flags, payload

    async def _next(self) -> tuple[int, int, int, bytes]:
        if self._opening:
            await self.says()
        while True:
            kind, flags, stream, payload = await self._frame()
            if kind not in OF_THE_CONNECTION:
                return kind, flags, stream, payload

    async def _frame(self) -> tuple[int, int, int, bytes]:
        while True:
            data = self._peer.received[self._at :]
            size = 9 + int.from_bytes(data[:3], "big")
            if len(data) >= max(9, size):
                self._at += size
                return data[3], data[4], int.from_bytes(data[5:9], "big"), data[9:size]
            if not await self._peer.more():
                raise Ended(self._peer.how, data)


def goodbye(last: int, code: int = 0) -> bytes:
    """GOAWAY."""
    return f.frame(f.GOAWAY, 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big"))


def head(stream: int, status: int = 200, *more: tuple[bytes, bytes], end: bool = False) -> bytes:
    flags = f.END_HEADERS | (f.END_STREAM if end else 0)
    return f.headers(stream, [(b":status", b"%d" % status), *more], flags)


def data(stream: int, body: bytes, *, end: bool = False) -> bytes:
    return f.frame(f.DATA, f.END_STREAM if end else 0, stream, body)


def answer(stream: int, body: bytes = b"here") -> bytes:
    return head(stream) + data(stream, body, end=True)


class Cue:
    """Script and test wait for each other."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.give = self._event.set
        self.come = self._event.wait
