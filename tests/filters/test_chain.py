"""The chain: every kind of filter has a builder, and steps run in the order listed."""

from typing import get_args

import pytest

from proxy.errors import FilterFailed
from proxy.filters import FILTERS, build_chain
from proxy.filters.base import NO_FILTERS, FilterContext
from proxy.protocol.message import Reply, Response
from proxy.snapshot.route import Fail, Filter, HeaderModifier, PathModifier, Rewrite
from tests.filters.conftest import MakeRequest


def test_every_kind_of_filter_has_a_builder() -> None:
    assert set(FILTERS) == set(get_args(Filter))


def test_without_filters_there_is_one_empty_chain() -> None:
    assert build_chain(()) is NO_FILTERS


def test_filters_run_in_the_order_listed(context: FilterContext, request_for: MakeRequest) -> None:
    chain = build_chain(
        (
            HeaderModifier("request", set=((b"x", b"1"),)),
            HeaderModifier("response", set=((b"y", b"1"),)),
            Rewrite(path=PathModifier("prefix", b"/b", b"/a")),
            HeaderModifier("request", add=((b"x", b"2"),)),
            HeaderModifier("response", add=((b"y", b"2"),)),
            Rewrite(path=PathModifier("prefix", b"/c", b"/b")),
        )
    )
    request, response = request_for(b"/a/x"), Response()
    assert [step(request, context) for step in chain.on_request] == [None] * 4
    for step in chain.on_response:
        step(response, context)
    assert request.raw_path == b"/c/x"
    assert request.headers[1:] == [(b"x", b"1"), (b"x", b"2")]
    assert response.headers == [(b"y", b"1"), (b"y", b"2")]


def test_a_filter_that_cannot_be_built_refuses_every_request(context: FilterContext, request_for: MakeRequest) -> None:
    (step,) = build_chain((Fail("ext_not_found"),)).on_request
    with pytest.raises(FilterFailed) as failed:
        step(request_for(b"/"), context)
    assert (failed.value.status, failed.value.reason) == (500, "ext_not_found")


def test_a_refusal_with_another_status_is_a_reply(context: FilterContext, request_for: MakeRequest) -> None:
    (step,) = build_chain((Fail("unsupported", 501),)).on_request
    reply = step(request_for(b"/"), context)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (501, b"a filter failed\n")
