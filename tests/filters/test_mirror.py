"""RequestMirror: what is copied, and how often."""

import pytest

from proxy.filters.base import FilterContext
from proxy.filters.mirror import RequestMirror
from proxy.snapshot.route import Mirror
from tests.filters.conftest import MakeRequest


def mirrored(spec: Mirror, context: FilterContext, make: MakeRequest, times: int = 1) -> int:
    mirror = RequestMirror(spec)
    for _ in range(times):
        mirror.on_request(make(b"/a?b"), context)
    return len(context.mirrored)


def test_the_copy_is_the_request_as_it_was(context: FilterContext, request_for: MakeRequest) -> None:
    request = request_for(b"/a%20b?c", (b"x-a", b"1"))
    RequestMirror(Mirror("ns/m:80", "key")).on_request(request, context)
    request.raw_path = b"/changed"
    request.headers.append((b"x-b", b"2"))
    [(key, copy)] = context.mirrored
    assert (key, copy.method, copy.raw_path, copy.query) == ("key", b"GET", b"/a%20b", b"c")
    assert copy.headers == [(b"host", b"www.example.com:8080"), (b"x-a", b"1")]


def test_several_mirrors_each_have_their_copy(context: FilterContext, request_for: MakeRequest) -> None:
    request = request_for()
    for key in ("one", "two"):
        RequestMirror(Mirror(key, key)).on_request(request, context)
    (one, first), (two, second) = context.mirrored
    assert (one, two) == ("one", "two") and first is not second and first.headers is not second.headers


@pytest.mark.parametrize(
    ("numerator", "denominator", "copies"), [(0, 100, 0), (100, 100, 1000), (1, 1, 1000), (3, 3, 1000)]
)
def test_none_and_all_are_exact(
    numerator: int, denominator: int, copies: int, context: FilterContext, request_for: MakeRequest
) -> None:
    assert mirrored(Mirror("m", "m", numerator, denominator), context, request_for, 1000) == copies


@pytest.mark.parametrize(("numerator", "denominator"), [(20, 100), (25, 50), (1, 3), (999, 1000)])
def test_a_share_is_met_by_chance(
    numerator: int, denominator: int, context: FilterContext, request_for: MakeRequest
) -> None:
    """Within six standard deviations: a wrong share fails always, a right one once in 500 million runs."""
    times, share = 10_000, numerator / denominator
    deviation = (times * share * (1 - share)) ** 0.5
    copies = mirrored(Mirror("m", "m", numerator, denominator), context, request_for, times)
    assert abs(copies - times * share) <= 6 * deviation


def test_an_upgrade_is_not_copied(context: FilterContext, request_for: MakeRequest) -> None:
    request = request_for()
    request.upgrade = b"websocket"
    RequestMirror(Mirror("m", "m")).on_request(request, context)
    assert context.mirrored == []


def test_a_copy_asks_for_no_continue(context: FilterContext, request_for: MakeRequest) -> None:
    request = request_for()
    request.expect_continue = True
    RequestMirror(Mirror("m", "m")).on_request(request, context)
    assert request.expect_continue and not context.mirrored[0][1].expect_continue
