"""Changing the path of a request, as RequestRedirect and URLRewrite do (HTTPPathModifier).

What is changed is `raw_path`, the path that is forwarded: its percent-encoding stays as the client
wrote it. The prefix was matched with unreserved characters decoded, so `/%66oo/bar` has the prefix /foo.
"""

import re
from collections.abc import Callable
from urllib.parse import quote_from_bytes

from proxy.routing.path import UNRESERVED, prefix_key
from proxy.snapshot.route import PathModifier

Change = Callable[[bytes], bytes]

_PATH_CHARACTERS = "/%:@!$&'()*+,;=~"
_STRAY_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")


def path_change(modifier: PathModifier | None) -> Change | None:
    """A function from raw path to raw path; None when nothing changes."""
    if modifier is None:
        return None
    value = safe_path(modifier.value)
    if modifier.kind == "full":
        return FullPath(value).apply
    return PrefixPath(modifier.prefix, value).apply


def safe_path(value: bytes) -> bytes:
    """A configured path with everything escaped that cannot stand in one (`?`, `#`, spaces, controls)."""
    quoted = quote_from_bytes(value, safe=_PATH_CHARACTERS).encode("ascii")
    return _STRAY_PERCENT.sub(b"%25", quoted)


class FullPath:
    """ReplaceFullPath."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value if value.startswith(b"/") else b"/" + value

    def apply(self, raw_path: bytes) -> bytes:
        return self._value


class PrefixPath:
    """ReplacePrefixMatch: the matched elements make way for others; the rest stays byte for byte.

    Trailing slashes of prefix and replacement do not count, and what would be empty is "/".
    """

    __slots__ = ("_prefix", "_value")

    def __init__(self, prefix: bytes, value: bytes) -> None:
        self._prefix = prefix_key(prefix)
        value = value.removesuffix(b"/")
        self._value = value if not value or value.startswith(b"/") else b"/" + value

    def apply(self, raw_path: bytes) -> bytes:
        length = self._matched(raw_path)
        return raw_path if length < 0 else self._value + raw_path[length:] or b"/"

    def _matched(self, raw_path: bytes) -> int:
        """Octets of the raw path that spell the prefix; -1 when an earlier filter has changed it."""
        prefix = self._prefix
        length = len(prefix)
        if not raw_path.startswith(prefix):
            length = _spelled(raw_path, prefix)
        whole = length < 0 or length == len(raw_path) or raw_path[length] == 0x2F
        return length if whole else -1


def _spelled(raw_path: bytes, prefix: bytes) -> int:
    """How many octets of the raw path decode to the prefix; -1 when they do not."""
    at = 0
    for wanted in prefix:
        if at >= len(raw_path):
            return -1
        char, width = _character(raw_path, at)
        if char != wanted:
            return -1
        at += width
    return at


def _character(raw_path: bytes, at: int) -> tuple[int, int]:
    """The character at a place and its width: an escaped unreserved one counts as itself."""
    escape = _ESCAPE.match(raw_path, at)
    if escape is not None:
        char = int(escape[0][1:], 16)
        if char in UNRESERVED:
            return char, 3
    return raw_path[at], 1
