"""Request targets: path, query and host as they are matched and as they are forwarded.

What is matched and what is forwarded differ in nothing but the encoding of unreserved characters
(RFC 3986 section 2.3): `%7E` matches as `~` and travels as it came, so signed URLs survive. Literal dot
segments are resolved first, and the resolved path is the one forwarded. A dot segment that appears only
after decoding is refused, because some backend would decode it after our routing decision was taken.
"""

import re
from ipaddress import AddressValueError, IPv6Address

from proxy.errors import MalformedRequest

# As numbers: `37 in path` is one look through the octets, `b"%" in path` costs 100 ns before it starts.
_PERCENT, _DOT, _BACKSLASH, _SEMICOLON = b"%.\\;"
_UNRESERVED_ESCAPE = re.compile(rb"%(?:2[DEde]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PARAMETERS = re.compile(rb";[^/]*")
_OVERLONG = re.compile(rb"[\xc0\xc1]([\x80-\xbf])|\xe0[\x80-\x9f]([\x80-\xbf])|\xf0[\x80-\x8f][\x80-\xbf]([\x80-\xbf])")

_REG_NAME = rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+"
_IP_LITERAL = rb"\[[0-9A-Fa-f:.]+\]"
_HOST = re.compile(rb"(" + _IP_LITERAL + rb"|" + _REG_NAME + rb")(?::[0-9]*)?")
_HOST_CACHE_SIZE = 4096
_LONGEST_CACHED_HOST = 260
"""A DNS name and a port; a Host of 30 KiB is legal but not worth remembering 4096 times."""
_hosts: dict[bytes, bytes] = {}


def matched_host(authority: bytes) -> bytes:
    """The host of a Host value as it is matched: lower-case, no port, no trailing dot.

    RFC 9110 section 7.2 with RFC 3986 section 3.2.2; anything else is a MalformedRequest. Userinfo is not
    part of Host. Answers are remembered, since clients repeat themselves.
    """
    host = _hosts.get(authority)
    if host is None:
        found = _HOST.fullmatch(authority)
        if found is None:
            raise MalformedRequest("bad_host", "Host must be a host name or address with an optional port")
        host = found[1].lower()
        if host[:1] == b"[":
            _check_ipv6(host[1:-1])
        if host.endswith(b".") and len(host) > 1:
            host = host[:-1]
        if len(authority) <= _LONGEST_CACHED_HOST:
            if len(_hosts) >= _HOST_CACHE_SIZE:
                _hosts.clear()
            _hosts[authority] = host
    return host


def _check_ipv6(address: bytes) -> None:
    try:
        IPv6Address(address.decode("ascii"))
    except AddressValueError:
        raise MalformedRequest("bad_host", "the address in Host is not an IPv6 address") from None


def matched_path(path: bytes) -> tuple[bytes, bytes]:
    """(forwarded, matched) for a path that starts with `/`.

    Raises MalformedRequest where a dot segment hides behind an encoding, and for a `%` that starts no
    escape (RFC 3986 section 2.1): two readers would see two paths.
    """
    if _PERCENT not in path:
        if _DOT not in path:
            return path, path
        if b"/." in path:
            path = resolve_dot_segments(path)
        if _BACKSLASH in path or _SEMICOLON in path:
            _refuse_hidden_dot_segments(path)
        return path, path
    if _BROKEN_ESCAPE.search(path):
        raise MalformedRequest("bad_escape", "a % in the path must be followed by two hexadecimal digits")
    path = resolve_dot_segments(path)
    _refuse_hidden_dot_segments(path)
    return path, _UNRESERVED_ESCAPE.sub(_decode, path)


def resolve_dot_segments(path: bytes) -> bytes:
    """RFC 3986 section 5.2.4 on literal `.` and `..` segments; empty segments are kept."""
    if b"/." not in path:
        return path
    out: list[bytes] = []
    segments = path.split(b"/")[1:]
    last = len(segments) - 1
    for i, segment in enumerate(segments):
        if segment == b".." and out:
            out.pop()
        if segment in (b".", b".."):
            if i == last:
                out.append(b"")
        else:
            out.append(segment)
    return b"/" + b"/".join(out)


def _refuse_hidden_dot_segments(path: bytes) -> None:
    """Up to two rounds of decoding, as the laxest backends do it (overlong UTF-8, `\\`, `;parameters`)."""
    decoded = path
    for _ in range(3):
        if _has_dot_segment(decoded):
            raise MalformedRequest("hidden_dot_segment", "the path holds an encoded . or .. segment")
        further = _OVERLONG.sub(_ascii_of_overlong, _ESCAPE.sub(_decode, decoded))
        if further == decoded:
            return
        decoded = further


def _has_dot_segment(path: bytes) -> bool:
    plain = _PARAMETERS.sub(b"", path.replace(b"\\", b"/"))
    return any(segment in (b".", b"..") for segment in plain.split(b"/"))


def _decode(escape: re.Match[bytes]) -> bytes:
    return bytes((int(escape[0][1:], 16),))


def _ascii_of_overlong(found: re.Match[bytes]) -> bytes:
    """The ASCII character that an overlong UTF-8 sequence stands for, where it is one of those that matter."""
    raw = found[0]
    value = raw[0] & {2: 0x1F, 3: 0x0F, 4: 0x07}[len(raw)]
    for octet in raw[1:]:
        value = value << 6 | (octet & 0x3F)
    return bytes((value,)) if value < 0x80 else raw
