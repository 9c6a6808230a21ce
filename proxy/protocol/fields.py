"""Header fields sorted as they come: ordinary ones in a list, those that steer something set aside.

`Fields` is what every version's parser calls back, for requests and responses alike.
"""

import re
from collections.abc import Iterable

from proxy.protocol.message import Headers
from proxy.protocol.names import FRAMING, HOPS, letters

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_LOOKS_LIKE = {letters(name): name for name in (*FRAMING, b"host")} | {letters(name): b"" for name in HOPS}
"""What another name could be taken for. Steering fields refuse the request; hops (b"") are dropped."""
_REMEMBERED = 4096
_LONGEST_REMEMBERED = 64
_ordinary: dict[bytes, bytes] = {}
"""Ordinary name as received to its lower-case form. Clients repeat themselves; hostile names cannot grow it,
since it starts afresh when full and keeps no long ones."""
_special: dict[bytes, bytes] = {}
"""The same for the names that are set aside."""


class Fields:
    """One header section. `on_header` is called for each field, in order: a dictionary look-up each."""

    __slots__ = ("aside", "headers", "look_alike")

    def __init__(self) -> None:
        self.headers: Headers = []
        """End-to-end fields."""
        self.aside: Headers = []
        """Host, framing and hops."""
        self.look_alike = b""
        """A field that steers framing, which another one could be taken for (`Content_Length`)."""

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = _ordinary.get(name)
        if lower is not None:
            self.headers.append((lower, value))
        elif name in _special:
            self.aside.append((_special[name], value))
        else:
            self._meet(name, value)

    def add_lower(self, section: Iterable[tuple[bytes, bytes]]) -> None:
        """Fields whose names are in lower case already, as HTTP/2 has them: one look-up each, and no call."""
        ordinary, append = _ordinary, self.headers.append
        for field in section:
            if field[0] in ordinary:
                append(field)
            else:
                self.on_header(*field)

    def _meet(self, name: bytes, value: bytes) -> None:
        """A name not seen before, spelled like this."""
        lower = name.lower()
        if lower == b"host" or lower in FRAMING or lower in HOPS or lower.startswith(b"x-forwarded-"):
            _remember(_special, name, lower)
            self.aside.append((lower, value))
        elif (alike := _LOOKS_LIKE.get(letters(lower))) is not None:
            self.look_alike = self.look_alike or alike
        elif not letters(lower).startswith(b"xforwarded"):
            _remember(_ordinary, name, lower)
            self.headers.append((lower, value))

    def sort(self) -> tuple[list[bytes], Headers, Headers]:
        """What was set aside: values of Host, framing fields, hops."""
        hosts: list[bytes] = []
        framing: Headers = []
        hops: Headers = []
        for field in self.aside:
            if field[0] == b"host":
                hosts.append(field[1])
            elif field[0] in FRAMING:
                framing.append(field)
            else:
                hops.append(field)
        return hosts, framing, hops

    def strip(self) -> None:
        """Take white space off the ends of values."""
        self.aside = [(name, value.rstrip(b" \t")) for name, value in self.aside]
        self.headers = [(name, value.rstrip(b" \t")) for name, value in self.headers]


def _remember(names: dict[bytes, bytes], name: bytes, lower: bytes) -> None:
    if len(name) <= _LONGEST_REMEMBERED:
        if len(names) >= _REMEMBERED:
            names.clear()
        names[name] = lower


def tokens(value: bytes) -> list[bytes]:
    """The lower-case members of a comma-separated list (RFC 9110 section 5.6.1), empty ones left out."""
    return [token for part in value.lower().split(b",") if (token := part.strip(b" \t"))]
