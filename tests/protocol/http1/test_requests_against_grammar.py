"""The server codec accepts what the grammar derives, with the same boundaries, fields and bodies, and nothing else."""

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.http1.mutate import mutants
from tests.protocol.http1.reading import by_grammar, by_server_codec
from tests.protocol.http1.vectors import CANARY, REQUESTS, Vector

SMALL = [vector for vector in REQUESTS if len(vector.data) < 2000]


@pytest.mark.parametrize("vector", REQUESTS, ids=[vector.name for vector in REQUESTS])
def test_every_vector_gets_its_verdict(vector: Vector) -> None:
    oracle, codec = by_grammar(vector.data), by_server_codec(vector.data)
    assert oracle.refused == vector.verdict
    assert codec.agrees(oracle), codec


@pytest.mark.parametrize("vector", SMALL, ids=[vector.name for vector in SMALL])
def test_a_request_behind_a_vector_is_its_own_or_never_read(vector: Vector) -> None:
    data = vector.data + CANARY
    codec = by_server_codec(data)
    assert codec.agrees(by_grammar(data)), codec
    assert len(codec.messages) == (
        0 if vector.verdict else 2 if b"close" not in vector.data and b"1.0" not in vector.data else 1
    )


@pytest.mark.parametrize("split", [1, 2, 3, 7, 64])
def test_segments_make_no_difference(split: int) -> None:
    for vector in SMALL:
        data = vector.data + CANARY
        whole, parts = by_server_codec(data), by_server_codec(data, split)
        assert parts.messages == whole.messages, vector.name
        assert bool(parts.refused) == bool(whole.refused), vector.name


def test_mutants_are_read_as_the_grammar_reads_them() -> None:
    corpus = [vector.data for vector in SMALL]
    for data in mutants(corpus, 10_000, seed=9112):
        oracle, codec = by_grammar(data), by_server_codec(data)
        assert codec.messages == oracle.messages, data
        if codec.refused != oracle.refused:
            # The oracle refuses a bad line when it has ended, a codec may wait for the whole head.
            assert oracle.refused and (codec.refused or codec.unfinished), (data, codec, oracle)


TOKEN = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=8).map(str.encode)
VALUE = st.binary(max_size=12).map(
    lambda raw: bytes(octet for octet in raw if (octet >= 0x20 and octet != 0x7F) or octet == 9)
)
PATH = st.text("/.%;ab2eEfFcC5\\~?", max_size=12).map(lambda text: b"/" + text.encode())


@st.composite
def sound_heads(draw: st.DrawFn) -> bytes:
    fields = draw(st.lists(st.tuples(TOKEN.map(lambda name: b"X" + name), VALUE), max_size=5))
    host = draw(st.sampled_from([b"a", b"A.example.:80", b"[::1]", b"x_y:"]))
    lines = [b"%b: %b" % item for item in fields]
    lines.insert(draw(st.integers(0, len(lines))), b"Host:" + host)
    method = draw(st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE", b"PATCH"]))
    body = draw(st.binary(max_size=40))
    framing = draw(st.sampled_from(["none", "length", "chunked"]))
    if framing == "length":
        lines.append(b"Content-Length: %d" % len(body))
    elif framing == "chunked":
        lines.append(b"Transfer-Encoding: chunked")
        body = b"".join(b"%X\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:]) if part) + b"0\r\n\r\n"
    head = b"\r\n".join([b"%b %b HTTP/1.1" % (method, draw(PATH)), *lines, b"", b""])
    return head + (b"" if framing == "none" else body)


@settings(max_examples=300, deadline=None)
@given(st.lists(sound_heads(), min_size=1, max_size=3), st.integers(0, 40))
def test_sound_requests_in_a_row_cut_anywhere(requests: list[bytes], split: int) -> None:
    data = b"".join(requests)
    assert by_server_codec(data, split).agrees(by_grammar(data))


@settings(max_examples=200, deadline=None)
@given(sound_heads())
def test_h11_reads_the_same_in_what_we_accept(data: bytes) -> None:
    ours = by_server_codec(data)
    if not ours.messages:
        return
    theirs = h11.Connection(h11.SERVER)
    theirs.receive_data(data)
    request = theirs.next_event()
    assert isinstance(request, h11.Request)
    body = b""
    while isinstance(event := theirs.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    assert (request.method, body) == (ours.messages[0].start[0], ours.messages[0].body)
    framing = (b"host", b"content-length", b"transfer-encoding")
    assert [(name, value) for name, value in request.headers if name not in framing] == ours.messages[0].fields
