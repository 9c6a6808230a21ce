"""DirectResponse: the gateway answers as declared, and nothing is forwarded."""

from proxy.filters.base import FilterChain, FilterContext
from proxy.protocol.message import Reply, Request
from proxy.snapshot.route import DirectResponse


def build(spec: DirectResponse) -> FilterChain:
    return FilterChain(on_request=(Answering(spec).on_request,))


class Answering:
    """One answer, to every request."""

    __slots__ = ("_spec",)

    def __init__(self, spec: DirectResponse) -> None:
        self._spec = spec

    def on_request(self, request: Request, context: FilterContext) -> Reply:
        spec = self._spec
        return Reply(spec.status, list(spec.headers), spec.body)
