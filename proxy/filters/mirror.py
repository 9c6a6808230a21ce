"""RequestMirror: a copy of the request, as it stands at this place in the order of filters, for a second backend.

Here it is only decided and copied; who forwards the request sends the copies, too (forward.mirror). An
upgrade is not mirrored: what comes after its 101 has no second party to talk to.
"""

from random import randrange

from proxy.filters.base import FilterChain, FilterContext
from proxy.protocol.message import Request
from proxy.snapshot.route import Mirror


def build(spec: Mirror) -> FilterChain:
    return FilterChain(on_request=(RequestMirror(spec).on_request,))


class RequestMirror:
    """One mirror. Each request has the same chance, whatever came before it (percent, fraction)."""

    __slots__ = ("_spec",)

    def __init__(self, spec: Mirror) -> None:
        self._spec = spec

    def on_request(self, request: Request, context: FilterContext) -> None:
        spec = self._spec
        if request.upgrade or randrange(spec.denominator) >= spec.numerator:
            return
        copy = request.copy()
        copy.expect_continue = False  # the body comes anyway, and nobody would pass the 100 on
        context.mirrored.append((spec.upstream, copy))
