"""Fail: stands where a filter should be that cannot be built. It is never skipped: requests get an error.

The API asks for that in HTTPRouteFilter: forwarding without a filter that might have guarded the backend
is worse than not forwarding.
"""

from proxy.errors import FilterFailed
from proxy.filters.base import FilterChain, FilterContext
from proxy.protocol.message import Reply, Request
from proxy.snapshot.route import Fail


def build(spec: Fail) -> FilterChain:
    return FilterChain(on_request=(Failing(spec).on_request,))


class Failing:
    """Refuses every request, with the reason in the access log."""

    __slots__ = ("_spec",)

    def __init__(self, spec: Fail) -> None:
        self._spec = spec

    def on_request(self, request: Request, context: FilterContext) -> Reply:
        """Raises FilterFailed, which is answered as a 500; any other status is replied as configured."""
        if self._spec.status == FilterFailed.status:
            raise FilterFailed(self._spec.reason)
        return Reply(self._spec.status, [(b"content-type", b"text/plain")], b"a filter failed\n")
