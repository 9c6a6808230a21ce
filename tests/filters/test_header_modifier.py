"""Header modifiers: set replaces, add appends, remove deletes, and framing stays ours."""

import pytest

from proxy.filters import build_chain
from proxy.filters.base import FilterContext, field_value
from proxy.filters.header_modifier import RESERVED
from proxy.protocol.message import Headers, Response
from proxy.snapshot.route import HeaderModifier
from tests.filters.conftest import MakeRequest

BEFORE: Headers = [(b"x-a", b"1"), (b"x-b", b"2"), (b"x-a", b"3")]


def changed(spec: HeaderModifier, headers: Headers, context: FilterContext) -> Headers:
    response = Response(200, headers)
    for step in build_chain((spec,)).on_response:
        step(response, context)
    return response.headers


@pytest.mark.parametrize(
    ("spec", "after"),
    [
        (
            HeaderModifier("response", set=((b"x-a", b"new"),)),
            [(b"x-b", b"2"), (b"x-a", b"new")],
        ),
        (
            HeaderModifier("response", set=((b"x-c", b"new"),)),
            [*BEFORE, (b"x-c", b"new")],
        ),
        (
            HeaderModifier("response", add=((b"x-a", b"4"), (b"x-c", b"5"), (b"x-c", b"6"))),
            [*BEFORE, (b"x-a", b"4"), (b"x-c", b"5"), (b"x-c", b"6")],
        ),
        (
            HeaderModifier("response", remove=(b"x-a", b"x-none")),
            [(b"x-b", b"2")],
        ),
        (
            HeaderModifier("response", ((b"x-a", b"s"),), ((b"x-b", b"a"),), (b"x-c",)),
            [(b"x-b", b"2"), (b"x-a", b"s"), (b"x-b", b"a")],
        ),
        (
            HeaderModifier("response", ((b"x-a", b"s"),), ((b"x-a", b"a"),), ()),
            [(b"x-b", b"2"), (b"x-a", b"s"), (b"x-a", b"a")],
        ),
        (
            HeaderModifier("response", ((b"x-a", b"s"),), ((b"x-b", b"a"),), (b"x-a", b"x-b")),
            [],
        ),
        (HeaderModifier("response"), BEFORE),
    ],
)
def test_set_then_add_then_remove(spec: HeaderModifier, after: Headers, context: FilterContext) -> None:
    assert changed(spec, list(BEFORE), context) == after


def test_the_headers_given_stay_as_they_were_so_that_a_retry_starts_from_them(
    context: FilterContext, request_for: MakeRequest
) -> None:
    request = request_for(b"/", (b"x-a", b"1"))
    before = request.headers
    chain = build_chain((HeaderModifier("request", add=((b"x-b", b"2"),), remove=(b"x-a",)),))
    for step in chain.on_request:
        assert step(request, context) is None
    assert before == [(b"host", b"www.example.com:8080"), (b"x-a", b"1")]
    assert request.headers == [(b"host", b"www.example.com:8080"), (b"x-b", b"2")]


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_framing_and_hop_by_hop_fields_are_passed_over(name: bytes, context: FilterContext) -> None:
    before = [(name, b"as it was"), (b"x-a", b"1")]
    spec = HeaderModifier("response", ((name, b"set"),), ((name, b"added"),), (name,))
    assert changed(spec, before, context) == before


def test_framing_stays_whole_when_a_user_asks_for_the_impossible() -> None:
    asked = {b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"te", b"trailer", b"keep-alive"}
    assert asked <= RESERVED


@pytest.mark.parametrize(
    ("spec", "hosts"),
    [
        (HeaderModifier("request", set=((b"host", b"new"),)), [b"new"]),
        (HeaderModifier("request", add=((b"host", b"new"),)), [b"new"]),
        (HeaderModifier("request", ((b"host", b"one"),), ((b"host", b"two"),)), [b"two"]),
        (HeaderModifier("request", remove=(b"host",)), [b"www.example.com:8080"]),
    ],
)
def test_a_request_has_exactly_one_host(
    spec: HeaderModifier, hosts: list[bytes], context: FilterContext, request_for: MakeRequest
) -> None:
    request = request_for(b"/")
    for step in build_chain((spec,)).on_request:
        step(request, context)
    assert [value for name, value in request.headers if name == b"host"] == hosts


def test_a_line_break_in_a_configured_value_starts_no_new_field(context: FilterContext) -> None:
    spec = HeaderModifier("response", set=((b"x-a", b"1\r\nset-cookie: a=b\0"),))
    assert changed(spec, [], context) == [(b"x-a", b"1  set-cookie: a=b")]
    assert field_value(b" a\nb\t") == b"a b"
