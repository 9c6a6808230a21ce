"""Who we are to the API server: a token, a token file that rotates, a client certificate."""

import os
from typing import NamedTuple, Protocol

from proxy.sources.kubernetes.errors import Unreachable


class Credential(NamedTuple):
    """What a request carries. Never printed: repr() says only what there is."""

    token: str = ""
    certificate: str = ""
    """PEM, as is `key`; "" for none."""
    key: str = ""

    def __repr__(self) -> str:
        held = [name for name in ("token", "certificate") if getattr(self, name)]
        return f"Credential({', '.join(held) or 'anonymous'})"


class Credentials(Protocol):
    """Where credentials come from."""

    async def get(self) -> Credential:
        """What holds now. Raises Unreachable when it cannot be had."""
        ...

    async def refresh(self) -> bool:
        """After a 401: True when `get` may give something else now."""
        ...


class Fixed:
    """Given once and for all."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    async def get(self) -> Credential:
        return self._credential

    async def refresh(self) -> bool:
        return False


class RereadFile:
    """A file's text, read again when the file is another one or has changed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._read_at: tuple[int, int, int] | None = None
        self._text = ""

    def text(self) -> str:
        """Raises OSError. The links that a mounted Secret is made of are followed each time."""
        found = os.stat(self.path)
        at = (found.st_ino, found.st_mtime_ns, found.st_size)
        if at != self._read_at:
            with open(self.path, encoding="utf-8") as file:
                self._text = file.read()
            self._read_at = at
        return self._text


class FromFiles:
    """A token or a client certificate in files, which others replace while we run."""

    def __init__(self, token: str = "", certificate: str = "", key: str = "") -> None:
        """Paths; "" for none."""
        self._files = tuple(RereadFile(path) if path else None for path in (token, certificate, key))
        self._last = Credential()

    async def get(self) -> Credential:
        try:
            token, certificate, key = (file.text() if file else "" for file in self._files)
        except (OSError, UnicodeDecodeError) as error:
            if self._last == Credential():
                raise Unreachable(f"credentials cannot be read: {error}") from None
            return self._last  # it may be being replaced at this moment
        self._last = Credential(token.strip(), certificate, key)
        return self._last

    async def refresh(self) -> bool:
        before = self._last
        return await self.get() != before
