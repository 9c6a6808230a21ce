"""The messages that the drivers feed: what wrk and a browser send, what the backend answers."""

from benchmarks.load.workloads import ACCEPT_ANY, BROWSER_HEADERS

_K = 1024


def _head(first: str, fields: tuple[tuple[str, str], ...]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode()


def get(fields: tuple[tuple[str, str], ...] = ACCEPT_ANY) -> bytes:
    return _head("GET /svc/item?id=7 HTTP/1.1", (("Host", "bench.example.com"), *fields))


def post(octets: int) -> bytes:
    """Head and body in one piece, as a client with a small body sends them."""
    fields = (("Host", "bench.example.com"), *ACCEPT_ANY, ("Content-Length", str(octets)))
    return _head("POST /svc HTTP/1.1", fields) + b"x" * octets


def post_chunked(octets: int, chunk: int = 4 * _K) -> bytes:
    fields = (("Host", "bench.example.com"), *ACCEPT_ANY, ("Transfer-Encoding", "chunked"))
    return _head("POST /svc HTTP/1.1", fields) + chunks(octets, chunk)


_BACKEND_FIELDS = (
    ("Date", "Sun, 22 Nov 2026 20:00:00 GMT"),
    ("Server", "backend"),
    ("Content-Type", "text/plain"),
    ("Cache-Control", "no-cache"),
)


def answer(octets: int) -> bytes:
    return _head("HTTP/1.1 200 OK", (*_BACKEND_FIELDS, ("Content-Length", str(octets)))) + b"x" * octets


def answer_chunked(octets: int, chunk: int = 4 * _K) -> bytes:
    return _head("HTTP/1.1 200 OK", (*_BACKEND_FIELDS, ("Transfer-Encoding", "chunked"))) + chunks(octets, chunk)


def chunks(octets: int, size: int) -> bytes:
    whole, rest = divmod(octets, size)
    pieces = [b"%x\r\n%b\r\n" % (size, b"x" * size)] * whole
    if rest:
        pieces.append(b"%x\r\n%b\r\n" % (rest, b"x" * rest))
    return b"".join([*pieces, b"0\r\n\r\n"])


def reads(message: bytes, size: int = 256 * _K) -> list[bytes]:
    """A message as a socket hands it over: at most `size` octets at a time (uvloop's buffer)."""
    return [message[i : i + size] for i in range(0, len(message), size)]


BROWSER = get(BROWSER_HEADERS)
