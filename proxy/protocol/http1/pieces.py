"""Body octets on their way out, in either role: framed, held back, and sent in as few writes as may be."""

from typing import Protocol

from proxy.protocol.http1.encode import JOIN_BELOW, encode_chunk

CLOSED = -1
"""The state in which nothing is sent any more; all other states are the roles' own."""


class Writer(Protocol):
    """What takes the pieces."""

    def write(self, data: bytes) -> None: ...

    def writelines(self, pieces: list[bytes]) -> None: ...


class PieceSender:
    """The sending side that the server and the client codec have in common."""

    __slots__ = ("_carrier", "_chunked_out", "_out", "_state")

    _carrier: Writer

    def __init__(self, carrier: Writer, state: int) -> None:
        self._carrier = carrier
        self._state = state
        self._chunked_out = False
        self._out: list[bytes] = []

    def send_data(self, chunk: bytes) -> None:
        if not self._chunked_out:
            self._out.append(chunk)
        elif len(chunk) < JOIN_BELOW:
            self._out.append(encode_chunk(chunk))
        else:
            self._out += (b"%x\r\n" % len(chunk), chunk, b"\r\n")

    def flush(self) -> None:
        out = self._out
        if not out:
            return
        self._out = []
        if self._state == CLOSED:
            return
        if len(out) == 1:
            self._carrier.write(out[0])
        elif len(out[1]) < JOIN_BELOW or len(out) > 8:
            self._carrier.write(b"".join(out))
        else:
            self._carrier.writelines(out)
