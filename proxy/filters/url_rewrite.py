"""URLRewrite: another Host or path for the backend; the client sees nothing of it."""

from proxy.filters.base import FilterChain, FilterContext, RequestStep, field_value
from proxy.filters.path import Change, path_change
from proxy.protocol.message import Request
from proxy.snapshot.route import Rewrite


def build(spec: Rewrite) -> FilterChain:
    """The chain of one rewrite; a part it does not have costs nothing."""
    steps: list[RequestStep] = []
    if spec.hostname is not None:
        steps.append(HostRewrite(spec.hostname).on_request)
    change = path_change(spec.path)
    if change is not None:
        steps.append(PathRewrite(change).on_request)
    return FilterChain(on_request=tuple(steps))


class HostRewrite:
    """Replaces the Host field and nothing else: what was matched stays what was matched."""

    __slots__ = ("_field",)

    def __init__(self, hostname: str) -> None:
        self._field = (b"host", field_value(hostname.encode()))

    def on_request(self, request: Request, context: FilterContext) -> None:
        fields = [self._field if field[0] == b"host" else field for field in request.headers]
        if self._field not in fields:
            fields.insert(0, self._field)
        request.headers = fields


class PathRewrite:
    """Replaces the path that is forwarded. The query is not part of it and stays."""

    __slots__ = ("_change",)

    def __init__(self, change: Change) -> None:
        self._change = change

    def on_request(self, request: Request, context: FilterContext) -> None:
        request.raw_path = self._change(request.raw_path)
