"""SecureTransport: what a TLS connection is to those it carries - a transport like that of clear text.

Back-pressure goes through both ways. When who is carried pauses reading, plaintext waits here encrypted and
the socket is read no further; when the socket is full, who is carried is told. Ciphertext is never held
here: the socket's transport has it, and its limits count.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from proxy.tls.engine import PIECE, Engine, TLSFailure
from proxy.tls.half_closed import HalfClosed


class Carried(Protocol):
    """What a SecureTransport carries: an asyncio.Protocol that can be told of an end that was not said."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...

    def data_received(self, data: bytes) -> None: ...

    def eof_received(self) -> bool:
        """close_notify has come. Whether the connection is still needed."""

    def truncated(self) -> bool:
        """The same when TCP ended without one: what only its end delimits is not whole."""

    def connection_lost(self, exc: Exception | None) -> None: ...

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...

    def abort(self) -> None: ...


MOST_UNTAKEN = 16 * 1024
"""Octets of answers to key updates for a client that takes nothing: 600 updates."""


class SecureTransport(asyncio.Transport, asyncio.Protocol):
    """Between the TCP transport, whose protocol it is, and a connection of ours, whose transport it is."""

    __slots__ = ("_carried", "_engine", "_eof", "_failed", "_full", "_over", "_paused", "_pumping", "_tcp", "_told",
                 "_untaken")  # fmt: skip

    def __init__(
        self, tcp: asyncio.Transport, engine: Engine, carried: Carried, failed: Callable[[TLSFailure], None]
    ) -> None:
        """`engine` has done its handshake. `failed` is told when the connection turns out not to be trusted."""
        # Not that of the base: it makes a dictionary, and what is asked for is TCP's to say (get_extra_info).
        self._tcp = tcp
        self._engine = engine
        self._carried: Carried | None = carried
        self._failed = failed
        self._paused = False
        self._pumping = False
        self._eof = False
        """TCP has ended; who is carried hears of it after what came before."""
        self._told = False
        """Who is carried has heard of an end."""
        self._over = False
        """Nothing more is read or written; what may still come is dropped."""
        self._full = False
        """The client reads slower than we write."""
        self._untaken = 0
        """Octets that the library has answered by itself since then: nobody who is carried could hold them back."""

    def begin(self) -> None:
        """Octets may have come with the end of the handshake."""
        assert self._carried is not None
        self._carried.connection_made(self)
        self._pump()

    # --- protocol: from TCP ------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if not self._over:
            self._engine.feed(data)
            if not self._paused:
                self._pump()

    def eof_received(self) -> bool:
        if self._told and not self._over:
            return True  # close_notify came before; what is under way is answered
        if self._paused and not self._over and self._engine.unread:
            self._eof = True
            return True
        return self._tell_end(clean=self._over)

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        carried, self._carried = self._carried, None
        if carried is not None:
            carried.connection_lost(exc)

    def pause_writing(self) -> None:
        self._full = True
        if self._carried is not None:
            self._carried.pause_writing()

    def resume_writing(self) -> None:
        self._full = False
        self._untaken = 0
        if self._carried is not None:
            self._carried.resume_writing()

    # --- plaintext in ------------------------------------------------------------------------

    def _pump(self) -> None:
        """Hand on plaintext until there is none, or who takes it has enough."""
        if self._pumping:
            return
        engine = self._engine
        self._pumping = True
        try:
            while not self._paused and not self._over and self._carried is not None:
                data = engine.read()
                if not data:
                    break
                self._carried.data_received(data)
                if not engine.unread:
                    break
        except TLSFailure as failure:
            self._break_off(failure)
            return
        finally:
            self._pumping = False
        if not self._over:
            self._after_reading()

    def _after_reading(self) -> None:
        if out := self._engine.take():  # the answer to a key update
            self._tcp.write(out)
            self._untaken += len(out) if self._full else 0
            if self._untaken > MOST_UNTAKEN:
                self._break_off(TLSFailure("key_update_flood", "it changes keys and takes no answer"))
                return
        if self._paused:
            return
        if self._engine.ended and not self._told:
            if not self._tell_end(clean=True):
                self.close()
        elif self._eof and not self._told and not self._tell_end(clean=False):
            self._tcp.close()

    def _tell_end(self, clean: bool) -> bool:
        """The peer sends no more. Whether the connection is still needed to answer."""
        self._told = True
        if self._carried is None:
            return False
        return self._carried.eof_received() if clean else self._carried.truncated()

    def _break_off(self, failure: TLSFailure) -> None:
        self._failed(failure)
        if self._carried is not None:
            self._carried.abort()

    # --- transport: to those carried ---------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._over or not data:
            return
        engine = self._engine
        try:
            if len(data) <= PIECE:
                engine.write(data)
                self._tcp.write(engine.take())
                return
            view = memoryview(data)
            for at in range(0, len(view), PIECE):
                engine.write(view[at : at + PIECE])
                self._tcp.write(engine.take())
        except TLSFailure as failure:
            self._break_off(failure)

    def writelines(self, list_of_data: Any) -> None:
        """In one go, so that small pieces share a record."""
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """The last has been written; what comes in from now on is dropped."""
        self._say_end()
        self._tcp.write_eof()

    def can_write_eof(self) -> bool:
        return True

    def end_writing(self) -> None:
        """The last has been written; what still comes is read on, as TLS 1.3 has it (RFC 8446 section 6.1)."""
        if self._over:
            return
        try:
            self._engine = HalfClosed(self._engine)
        except TLSFailure as failure:
            self._break_off(failure)
            return
        self._tcp.write(self._engine.take())
        self._tcp.write_eof()

    def close(self) -> None:
        self._say_end()
        self._tcp.close()

    def _say_end(self) -> None:
        """With close_notify, so that the peer can tell an end from a cut."""
        if not self._over:
            self._over = True
            self._engine.close()
            self._tcp.write(self._engine.take())

    def abort(self) -> None:
        self._over = True
        self._tcp.abort()

    def is_closing(self) -> bool:
        return self._tcp.is_closing()

    def pause_reading(self) -> None:
        self._paused = True
        self._tcp.pause_reading()

    def resume_reading(self) -> None:
        """What waits here comes first, and not from within this call: whoever resumes is in the middle of something."""
        if not self._paused:
            return
        self._paused = False
        if self._pumping or self._over or not (self._engine.unread or self._eof):
            self._tcp.resume_reading()
        else:
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._paused or self._over:
            return
        self._pump()
        if not self._paused and not self._tcp.is_closing():
            self._tcp.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._tcp.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._tcp.get_extra_info(name, default)
