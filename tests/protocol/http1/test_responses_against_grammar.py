"""The client codec accepts what the grammar derives from an endpoint's octets, and nothing else."""

import h11
import pytest

from tests.playbook import client
from tests.protocol.http1.mutate import mutants
from tests.protocol.http1.reading import response_by_client_codec, response_by_grammar
from tests.protocol.http1.vectors import RESPONSES, Vector, answer

SMALL = [vector.data for vector in RESPONSES if 0 < len(vector.data) < 2000]


@pytest.mark.parametrize("vector", RESPONSES, ids=[vector.name for vector in RESPONSES])
def test_every_vector_gets_its_verdict(vector: Vector) -> None:
    oracle, codec = response_by_grammar(vector.data, b"GET"), response_by_client_codec(vector.data, b"GET")
    assert bool(oracle.refused) != bool(vector.verdict)
    assert bool(codec.refused) != bool(vector.verdict)
    if vector.verdict:
        assert codec == oracle


@pytest.mark.parametrize("split", [1, 2, 3, 7])
def test_segments_make_no_difference(split: int) -> None:
    for data in SMALL:
        whole, parts = response_by_client_codec(data, b"GET"), response_by_client_codec(data, b"GET", split)
        assert (parts.messages, bool(parts.refused)) == (whole.messages, bool(whole.refused)), data


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_mutants_are_read_as_the_grammar_reads_them(method: bytes) -> None:
    for data in mutants(SMALL, 4000, seed=9110):
        oracle, codec = response_by_grammar(data, method), response_by_client_codec(data, method)
        assert bool(codec.refused) == bool(oracle.refused), (data, codec, oracle)
        if not oracle.refused:
            assert codec == oracle, data


def test_what_an_endpoint_sends_beyond_its_response_makes_the_connection_unusable() -> None:
    for data in SMALL:
        whole = response_by_grammar(data, b"GET")
        if whole.refused or b"Content-Length" not in data:
            continue
        client().asks().receives(data + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ends().is_spent()


def test_h11_reads_the_same_in_what_we_accept() -> None:
    for vector in RESPONSES:
        if not vector.verdict or b"1.0" in vector.data:
            continue
        ours = response_by_client_codec(vector.data, b"GET").messages[-1]
        theirs = h11.Connection(h11.CLIENT)
        theirs.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
        theirs.receive_data(vector.data)
        theirs.receive_data(b"")
        body = b""
        while not isinstance(event := theirs.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                assert event.status_code == ours.start[0]
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
        assert body == ours.body


def test_a_head_that_is_no_http_is_refused_while_the_connection_stays_open() -> None:
    for data in (b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", b"\r\n", b"<html>"):
        client().asks().receives(data).breaks(502).is_spent()


def test_a_response_to_nothing_is_never_given_to_the_next_request() -> None:
    book = client().asks().receives(answer(b"Content-Length: 0")).ends().is_reusable()
    book.receives(answer(b"Content-Length: 0")).is_spent()
