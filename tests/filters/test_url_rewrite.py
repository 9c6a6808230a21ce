"""URLRewrite: another Host, another path, and nothing else."""

from proxy.filters import build_chain
from proxy.filters.base import FilterContext
from proxy.protocol.message import Request
from proxy.snapshot.route import PathModifier, Rewrite
from tests.filters.conftest import MakeRequest


def rewrite(spec: Rewrite, request: Request, context: FilterContext) -> Request:
    for step in build_chain((spec,)).on_request:
        assert step(request, context) is None
    return request


def test_the_hostname_replaces_the_host_field_only(context: FilterContext, request_for: MakeRequest) -> None:
    request = rewrite(Rewrite(hostname="one.example.org"), request_for(b"/a?b", (b"x", b"1")), context)
    assert request.headers == [(b"host", b"one.example.org"), (b"x", b"1")]
    assert (request.host, request.raw_path, request.query) == (b"www.example.com", b"/a", b"b")


def test_a_request_without_host_gets_one(context: FilterContext) -> None:
    assert rewrite(Rewrite(hostname="one"), Request(), context).headers == [(b"host", b"one")]


def test_the_path_that_is_forwarded_changes_and_the_query_stays(
    context: FilterContext, request_for: MakeRequest
) -> None:
    spec = Rewrite(path=PathModifier("prefix", b"/new", b"/old"))
    request = rewrite(spec, request_for(b"/%6Fld/%7Ex?q=%20"), context)
    assert (request.raw_path, request.path, request.query) == (b"/new/%7Ex", b"/old/~x", b"q=%20")
    assert request.headers == [(b"host", b"www.example.com:8080")]


def test_both_at_once(context: FilterContext, request_for: MakeRequest) -> None:
    request = rewrite(Rewrite("one", PathModifier("full", b"/full")), request_for(b"/a"), context)
    assert (request.headers[0], request.raw_path) == ((b"host", b"one"), b"/full")


def test_a_rewrite_of_nothing_costs_nothing() -> None:
    assert build_chain((Rewrite(),)).on_request == ()
