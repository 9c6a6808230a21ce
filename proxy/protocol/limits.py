"""How much a peer may send before it is refused: sizes and counts, in one place."""


class Limits:
    """Octets and counts; the defaults are the product's. One object per process, shared by its codecs."""

    __slots__ = ("chunk_line", "connection_window", "field_count", "glitches", "head", "interim_responses",
                 "request_line", "resets", "response_head", "stream_window", "streams", "trailers")  # fmt: skip

    def __init__(
        self,
        *,
        request_line: int = 8 * 1024,
        head: int = 32 * 1024,
        field_count: int = 100,
        trailers: int = 8 * 1024,
        chunk_line: int = 272,
        response_head: int = 64 * 1024,
        interim_responses: int = 16,
        streams: int = 100,
        stream_window: int = 64 * 1024,
        connection_window: int = 1024 * 1024,
        resets: tuple[int, int] = (100, 20),
        glitches: tuple[int, int] = (1000, 100),
    ) -> None:
        self.request_line = request_line
        """Longest request line, CRLF not counted (414)."""
        self.head = head
        """Longest header section, request line included (431)."""
        self.field_count = field_count
        """Most fields of one request or response (431, 502)."""
        self.trailers = trailers
        """Longest trailer section (400, 502)."""
        self.chunk_line = chunk_line
        """Longest chunk-size line with its extensions: 16 hex digits and 256 octets (400, 502)."""
        self.response_head = response_head
        """Longest response head (502)."""
        self.interim_responses = interim_responses
        """Most 1xx responses before a final one (502)."""
        self.streams = streams
        """Most requests in flight on one HTTP/2 connection; more are refused, to be tried again."""
        self.stream_window = stream_window
        """Octets of one HTTP/2 body that may come before we have passed them on."""
        self.connection_window = connection_window
        """The same for all bodies of one client's HTTP/2 connection."""
        self.resets = resets
        """(at once, per second) requests of an HTTP/2 client that end before their answer, beyond which its connection
        ends: whether it took them back or made us do it."""
        self.glitches = glitches
        """(at once, per second) of what is allowed and of no use, beyond which the connection ends."""
