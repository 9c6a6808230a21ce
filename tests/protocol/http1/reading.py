"""What a codec made of a stream, in the oracle's terms, so that the two can be held side by side."""

from dataclasses import dataclass, field

from proxy.protocol.message import Headers, Response
from tests.oracle import grammar
from tests.playbook import RequestRecord, client, pieces, server

HOP_BY_HOP = frozenset(
    b"connection content-length expect host http2-settings keep-alive proxy-connection te transfer-encoding "
    b"upgrade".split()
)
"""Not among the end-to-end fields: they are of the connection (RFC 9110 section 7.6.1) or are read beside them."""
ABOUT_THE_WAY = frozenset(b"forwarded via x-real-ip x-request-id".split())
NEVER_TAKEN_AWAY = frozenset(b"host content-length".split())


@dataclass
class Read:
    """One message as it is to be understood."""

    start: tuple[object, ...]
    fields: Headers
    way: Headers
    body: bytes
    trailers: Headers


@dataclass
class Reading:
    messages: list[Read] = field(default_factory=list)
    refused: int = 0
    """The status of the refusal; 0 when nothing was refused."""
    unfinished: bool = False
    """The stream ended within a message."""

    def agrees(self, oracle: "Reading") -> bool:
        """The same messages and the same refusal; a wrong transfer coding may be malformed or unknown."""
        both = {self.refused, oracle.refused}
        return self.messages == oracle.messages and (len(both) == 1 or both == {400, 501})


def by_grammar(data: bytes) -> Reading:
    stream = grammar.read_requests(data, ended=True)
    reading = Reading(refused=stream.refusal.status if stream.refusal else 0)
    for message in stream.messages:
        assert isinstance(message, grammar.Request)
        start = (message.method, message.path, message.query, message.authority, message.version, message.length)
        reading.messages.append(_read(message, start))
    return reading


def _read(message: grammar.Message, start: tuple[object, ...]) -> Read:
    removed = HOP_BY_HOP | (set(message.connection) - NEVER_TAKEN_AWAY)
    way = [item for item in message.fields if _about_the_way(item[0])]
    fields = [item for item in message.fields if item[0] not in removed and not _about_the_way(item[0])]
    return Read(start, fields, way, message.body, message.trailers)


def _about_the_way(name: bytes) -> bool:
    return name in ABOUT_THE_WAY or name.startswith(b"x-forwarded-")


def by_server_codec(data: bytes, split: int = 0) -> Reading:
    """Every request is answered as soon as it is whole; then the client says that it is done."""
    playbook = server(split)
    answered = 0
    for piece in pieces(data, split):
        playbook.codec.feed(piece)
        while answered < len(playbook.requests) and playbook.requests[answered].ended:
            stream = playbook.requests[answered].stream
            answered += 1
            stream.send_head(Response(204), True)
            stream.send_end(None)
    unfinished = not playbook.codec.idle
    playbook.codec.eof()
    reading = Reading([_of_record(record) for record in playbook.requests if record.ended], unfinished=unfinished)
    errors = playbook.refusals + [record.error for record in playbook.requests if record.error is not None]
    assert len(errors) <= 1
    reading.refused = errors[0].status if errors and errors[0].status != 499 else 0
    return reading


def _of_record(record: RequestRecord) -> Read:
    request = record.request
    assert request is not None
    hosts = [value for name, value in request.headers if name == b"host"]
    assert len(hosts) <= 1
    authority = hosts[0] if hosts else None
    length = request.content_length
    start = (request.method, request.raw_path, request.query, authority, request.version, length)
    fields = [item for item in request.headers if item[0] not in (b"host", b"content-length")]
    lengths = [value for name, value in request.headers if name == b"content-length"]
    assert [int(value) for value in lengths] == ([request.content_length] if lengths else [])
    return Read(start, fields, request.hops, record.body, record.trailers or [])


def response_by_grammar(data: bytes, method: bytes) -> Reading:
    stream = grammar.read_response(data, method, ended=True)
    reading = Reading(refused=stream.refusal.status if stream.refusal else 0)
    for message in stream.messages:
        assert isinstance(message, grammar.Response)
        reading.messages.append(_read(message, (message.status,)))
    return reading


def response_by_client_codec(data: bytes, method: bytes, split: int = 0) -> Reading:
    """One exchange: the endpoint sends `data` and closes."""
    playbook = client(split).asks(method)
    codec, record = playbook.codec, playbook.record
    for piece in pieces(data, split):
        if record.ended or record.error is not None:
            break
        codec.feed(piece)
    if not record.ended and record.error is None:
        codec.eof()
    assert record.ended != (record.error is not None)
    reading = Reading([_interim_read(response) for response in record.interim])
    if record.ended:
        assert record.head is not None
        reading.messages.append(_response_read(record.head, record.body, record.trailers))
    else:
        assert record.error is not None
        reading.refused = record.error.status
    return reading


def _interim_read(response: Response) -> Read:
    return _response_read(response, b"", None)


def _response_read(response: Response, body: bytes, trailers: Headers | None) -> Read:
    fields = [item for item in response.headers if item[0] != b"content-length" and not _about_the_way(item[0])]
    way = [item for item in response.headers if _about_the_way(item[0])]
    return Read((response.status,), fields, way, body, trailers or [])
