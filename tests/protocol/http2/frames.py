"""HTTP/2 frames spelled out, for what no well-behaved library would send."""

from hpack import Encoder

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
Fields = list[tuple[bytes, bytes]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """RFC 9113 section 4.1."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def settings(**values: int) -> bytes:
    """`settings(INITIAL_WINDOW_SIZE=0)`."""
    numbers = {"HEADER_TABLE_SIZE": 1, "ENABLE_PUSH": 2, "MAX_CONCURRENT_STREAMS": 3, "INITIAL_WINDOW_SIZE": 4,
               "MAX_FRAME_SIZE": 5, "MAX_HEADER_LIST_SIZE": 6, "ENABLE_CONNECT_PROTOCOL": 8}  # fmt: skip
    payload = b"".join(numbers[name].to_bytes(2, "big") + value.to_bytes(4, "big") for name, value in values.items())
    return frame(SETTINGS, 0, 0, payload)


def block(fields: Fields) -> bytes:
    """A field section without the dynamic table, so that blocks are independent of each other."""
    encoder = Encoder()
    encoder.header_table_size = 0
    return encoder.encode([(name, value, True) for name, value in fields], huffman=False)


def literals(fields: Fields, kind: int = 0) -> bytes:
    """The same spelled out (RFC 7541 section 6.2), without a word about the table: a block may go on with it.
    `kind`: 0x40 for fields that go into the table."""
    return b"".join(bytes((kind,)) + _string(name) + _string(value) for name, value in fields)


def _string(text: bytes) -> bytes:
    """RFC 7541 section 5: its length in 7 bits, and as many more as it takes."""
    if len(text) < 127:
        return bytes((len(text),)) + text
    rest, length = len(text) - 127, b"\x7f"
    while rest > 127:
        length += bytes((0x80 | rest & 0x7F,))
        rest >>= 7
    return length + bytes((rest,)) + text


def headers(stream: int, fields: Fields, flags: int = END_STREAM | END_HEADERS) -> bytes:
    return frame(HEADERS, flags, stream, block(fields))


def request(method: bytes = b"GET", path: bytes = b"/", *more: tuple[bytes, bytes]) -> Fields:
    return [(b":method", method), (b":scheme", b"http"), (b":path", path), (b":authority", b"a.example"), *more]


def opening(**values: int) -> bytes:
    """What every client says first."""
    return PREFACE + settings(**values)
