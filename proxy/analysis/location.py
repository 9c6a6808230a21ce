"""Where a redirect sends a request: the filters are asked themselves, and whom they ask is taken to let it pass."""

from inspect import iscoroutine

from proxy.analysis.asking import on_the_wire
from proxy.analysis.witness import Witness
from proxy.errors import FilterFailed
from proxy.filters import build_chain
from proxy.filters.base import FilterContext
from proxy.protocol.message import Reply, Request
from proxy.snapshot.question import CLIENT
from proxy.snapshot.route import Filter, Redirect


def location_of(filters: tuple[Filter, ...], scheme: str, port: int, host: bytes, witness: Witness) -> bytes:
    """The Location of the answer; b"" when it is no redirect."""
    if not any(isinstance(one, Redirect) for one in filters):
        return b""
    request, context = _request(host, witness), FilterContext(scheme, port, CLIENT)
    try:
        for step in build_chain(filters).on_request:
            reply = step(request, context)
            if isinstance(reply, Reply):
                return dict(reply.headers).get(b"location", b"")
            if iscoroutine(reply):
                reply.close()
    except FilterFailed:
        pass
    return b""


def _request(host: bytes, witness: Witness) -> Request:
    request = Request()
    request.method = witness.method
    request.host = host
    request.path = request.raw_path = witness.path
    request.headers, request.query = on_the_wire(witness, host)
    return request
