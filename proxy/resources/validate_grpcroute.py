"""GRPCRoute: the rules across fields that an HTTPRoute has, and those for methods."""

import re
from collections.abc import Iterator

from proxy.resources.grpcroute import GRPCMethodMatch, GRPCRoute, as_httproute
from proxy.resources.problem import Finding, Path
from proxy.resources.validate_httproute import validate_httproute

_SERVICE = re.compile(r"\.?[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*")
_METHOD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def is_service(name: str) -> bool:
    """A protobuf service with its package (GRPCMethodMatch.service, type Exact)."""
    return _SERVICE.fullmatch(name) is not None


def is_method(name: str) -> bool:
    """A protobuf method (GRPCMethodMatch.method, type Exact)."""
    return _METHOD.fullmatch(name) is not None


def validate_grpcroute(route: GRPCRoute) -> Iterator[Finding]:
    yield from validate_httproute(as_httproute(route))
    for i, rule in enumerate(route.spec.rules):
        for j, match in enumerate(rule.matches):
            if match.method is not None:
                yield from _method(match.method, ("spec", "rules", i, "matches", j, "method"))


def _method(match: GRPCMethodMatch, path: Path) -> Iterator[Finding]:
    if match.service is None and match.method is None:
        yield Finding(path, "needs a service, a method, or both", "leave method out to match every call")
    if match.type != "Exact":
        return
    if match.service is not None and not is_service(match.service):
        hint = "write it as in the .proto file, with its package: com.example.User"
        yield Finding((*path, "service"), f'"{match.service}" is not a gRPC service ({match.type})', hint)
    if match.method is not None and not is_method(match.method):
        hint = "write it as in the .proto file: Login"
        yield Finding((*path, "method"), f'"{match.method}" is not a gRPC method ({match.type})', hint)
