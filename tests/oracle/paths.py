"""The oracle for request paths: RFC 3986 section 5.2.4 word for word, and every way a backend may decode one.

A path is refused when a dot segment is not there literally but appears after up to two rounds of
percent-decoding, taking `/` and `\\` as separators, cutting `;parameters` off, and reading overlong UTF-8.
"""


class HiddenDotSegment(Exception):
    """The path cannot be forwarded: a backend may see another one."""


def resolve(path: bytes) -> bytes:
    """The path to forward. Percent signs that begin no escape are refused (RFC 3986 section 2.1)."""
    for at, octet in enumerate(path):
        if octet == 0x25 and not _is_hex(path[at + 1 : at + 3]):
            raise HiddenDotSegment("a percent sign begins no escape")
    resolved = remove_dot_segments(path)
    for reading in readings(resolved):
        if any(segment in (b".", b"..") for segment in reading):
            raise HiddenDotSegment(f"a dot segment hides in {resolved!r}")
    return resolved


def remove_dot_segments(path: bytes) -> bytes:
    """RFC 3986 section 5.2.4, steps 2A to 2E."""
    source, output = path, b""
    while source:
        if source.startswith((b"../", b"./")):  # 2A
            source = source.partition(b"/")[2]
        elif source.startswith(b"/./"):  # 2B
            source = source[2:]
        elif source == b"/.":
            source = b"/"
        elif source.startswith(b"/../"):  # 2C
            source = source[3:]
            output = output.rpartition(b"/")[0]
        elif source == b"/..":
            source = b"/"
            output = output.rpartition(b"/")[0]
        elif source in (b".", b".."):  # 2D
            source = b""
        else:  # 2E
            end = source.find(b"/", 1)
            end = len(source) if end < 0 else end
            output, source = output + source[:end], source[end:]
    return output


def readings(path: bytes) -> list[list[bytes]]:
    """The segments that some backend may see: after no, one and two rounds of decoding."""
    found = []
    for _ in range(3):
        found.append([segment.partition(b";")[0] for segment in path.replace(b"\\", b"/").split(b"/")])
        path = from_overlong(percent_decoded(path))
    return found


def percent_decoded(path: bytes) -> bytes:
    out = bytearray()
    at = 0
    while at < len(path):
        if path[at] == 0x25 and _is_hex(path[at + 1 : at + 3]):
            out.append(int(path[at + 1 : at + 3], 16))
            at += 3
        else:
            out.append(path[at])
            at += 1
    return bytes(out)


def from_overlong(path: bytes) -> bytes:
    """Sequences of two, three and four octets that spell an ASCII character, by their bits."""
    out = bytearray()
    at = 0
    while at < len(path):
        for size, lead_mask, lead in ((2, 0xE0, 0xC0), (3, 0xF0, 0xE0), (4, 0xF8, 0xF0)):
            unit = path[at : at + size]
            if len(unit) == size and unit[0] & lead_mask == lead and all(octet & 0xC0 == 0x80 for octet in unit[1:]):
                value = unit[0] & ~lead_mask & 0xFF
                for octet in unit[1:]:
                    value = value << 6 | octet & 0x3F
                if value < 0x80:
                    out.append(value)
                    at += size
                    break
        else:
            out.append(path[at])
            at += 1
    return bytes(out)


def matched(path: bytes) -> bytes:
    """The path as rules see it: escapes of unreserved characters decoded once, everything else as it came."""
    unreserved = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    out = b""
    at = 0
    while at < len(path):
        if path[at] == 0x25 and int(path[at + 1 : at + 3], 16) in unreserved:
            out += bytes((int(path[at + 1 : at + 3], 16),))
            at += 3
        else:
            out += path[at : at + 1]
            at += 1
    return out


def _is_hex(digits: bytes) -> bool:
    return len(digits) == 2 and all(octet in b"0123456789abcdefABCDEF" for octet in digits)
