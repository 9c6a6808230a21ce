"""DirectResponse: the same answer to whatever comes."""

from proxy.filters.base import FilterContext
from proxy.filters.direct_response import build
from proxy.protocol.message import Reply
from proxy.snapshot.route import DirectResponse
from tests.filters.conftest import MakeRequest

SPEC = DirectResponse("ns/closed", 503, ((b"retry-after", b"60"), (b"content-type", b"text/html")), b"<p>closed")


def test_the_answer_is_the_one_declared(context: FilterContext, request_for: MakeRequest) -> None:
    [step] = build(SPEC).on_request
    reply = step(request_for(b"/a"), context)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.headers, reply.body, reply.error) == (503, list(SPEC.headers), SPEC.body, None)


def test_what_others_do_to_one_answer_is_not_seen_in_the_next(context: FilterContext, request_for: MakeRequest) -> None:
    [step] = build(SPEC).on_request
    first, second = step(request_for(), context), step(request_for(), context)
    assert isinstance(first, Reply) and isinstance(second, Reply)
    first.headers.append((b"x", b"y"))
    assert second.headers == list(SPEC.headers)
