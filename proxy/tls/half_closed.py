"""HalfClosed: an engine that has said its end and is still read."""

from proxy.tls.engine import Engine


class HalfClosed:
    """An Engine around one that is closed by this. What it has received is read before: the library, asked to close,
    takes plaintext that waits for an answer to its close_notify, and fails."""

    def __init__(self, engine: Engine) -> None:
        """Raises TLSFailure when what was received is not to be trusted."""
        self._engine = engine
        self._ahead: list[bytes] = []
        while engine.unread and (piece := engine.read()):
            self._ahead.append(piece)
        engine.close()

    def feed(self, data: bytes) -> None:
        self._engine.feed(data)

    def take(self) -> bytes:
        return self._engine.take()

    def handshake(self) -> bool:
        return True

    def read(self) -> bytes:
        return self._ahead.pop(0) if self._ahead else self._engine.read()

    @property
    def unread(self) -> bool:
        return bool(self._ahead) or self._engine.unread

    @property
    def ended(self) -> bool:
        return not self._ahead and self._engine.ended

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Nothing is written after an end."""

    def close(self) -> None:
        """It was said already."""

    @property
    def alpn(self) -> bytes:
        return self._engine.alpn

    @property
    def version(self) -> str:
        return self._engine.version

    @property
    def tolerated(self) -> str:
        return self._engine.tolerated
