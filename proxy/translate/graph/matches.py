"""Matches of a rule: can they be evaluated?"""

from collections.abc import Callable, Iterator

from proxy.resources.grpcroute import GRPCMethodMatch, GRPCRouteMatch
from proxy.resources.httproute import HTTPHeaderMatch, HTTPQueryParamMatch, HTTPRouteMatch
from proxy.resources.validate_grpcroute import is_method, is_service
from proxy.translate.graph import route_conditions as c
from proxy.translate.graph.conditions import Finding, unsupported_value
from proxy.translate.graph.header_names import is_token

CheckRegex = Callable[[str], str]
"""Why a pattern does not compile; "" when it does."""

REGEX = "RegularExpression"


def check_match(field: str, match: HTTPRouteMatch | GRPCRouteMatch, check_regex: CheckRegex) -> Iterator[Finding]:
    """What makes a match impossible to evaluate. Nothing for nearly every match there is."""
    for i, header in enumerate(match.headers):
        yield from _header(f"{field}.headers[{i}]", header, check_regex)
    if isinstance(match, HTTPRouteMatch):
        yield from _request(field, match, check_regex)
    elif match.method is not None:
        yield from _call(f"{field}.method", match.method, check_regex)


def _request(field: str, match: HTTPRouteMatch, check_regex: CheckRegex) -> Iterator[Finding]:
    path = match.path
    if path.type == REGEX:
        yield from _pattern(f"{field}.path.value", path.value, check_regex)
    elif not path.value.startswith("/"):
        yield unsupported_value(f"{field}.path.value", f"{path.value!r} does not start with /", f"write /{path.value}")
    for i, parameter in enumerate(match.query_params):
        yield from _parameter(f"{field}.queryParams[{i}]", parameter, check_regex)


def _call(field: str, match: GRPCMethodMatch, check_regex: CheckRegex) -> Iterator[Finding]:
    for name, value, is_name in (("service", match.service, is_service), ("method", match.method, is_method)):
        if value is not None and match.type == REGEX:
            yield from _pattern(f"{field}.{name}", value, check_regex)
        elif value is not None and not is_name(value):
            yield unsupported_value(
                f"{field}.{name}", f"{value!r} is not a gRPC {name}", "write it as in the .proto file"
            )


def _header(field: str, header: HTTPHeaderMatch, check_regex: CheckRegex) -> Iterator[Finding]:
    if not is_token(header.name):
        yield unsupported_value(f"{field}.name", f"{header.name!r} is not a header name", "use letters, digits and -")
    if header.type == REGEX:
        yield from _pattern(f"{field}.value", header.value, check_regex)


def _parameter(field: str, parameter: HTTPQueryParamMatch, check_regex: CheckRegex) -> Iterator[Finding]:
    if parameter.type == REGEX:
        yield from _pattern(f"{field}.value", parameter.value, check_regex)


def _pattern(field: str, value: str, check_regex: CheckRegex) -> Iterator[Finding]:
    why = check_regex(value)
    if why:
        yield c.bad_pattern(field, value, why)
