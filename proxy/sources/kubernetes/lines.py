"""Octets as they come to lines: how a watch is framed."""

from collections.abc import Iterator
from typing import Final

from proxy.sources.kubernetes.errors import Unreachable

LONGEST: Final = 32 * 1024 * 1024
"""Octets of a line. etcd takes 1.5 MiB an object, which JSON may make several times as long."""


class LineSplitter:
    """Lines may be long, and chunks may end anywhere."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._pieces: list[bytes] = []
        self._held = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that are whole now, without their ends; empty ones are left out."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            line = b"".join([*self._pieces, part])
            self._pieces, self._held = [], 0
            if line.strip():
                yield line
        self._held += len(rest)
        if self._held > self._longest:
            raise Unreachable(f"a line of more than {self._longest} octets came from the API server")
        self._pieces.append(rest)
