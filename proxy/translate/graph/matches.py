"""Matches of a rule: can they be evaluated?"""

from collections.abc import Callable, Iterator

from proxy.resources.httproute import HTTPHeaderMatch, HTTPQueryParamMatch, HTTPRouteMatch
from proxy.translate.graph import route_conditions as c
from proxy.translate.graph.conditions import Finding, unsupported_value
from proxy.translate.graph.header_names import is_token

CheckRegex = Callable[[str], str]
"""Why a pattern does not compile; "" when it does."""

REGEX = "RegularExpression"


def check_match(field: str, match: HTTPRouteMatch, check_regex: CheckRegex) -> Iterator[Finding]:
    """What makes a match impossible to evaluate. Nothing for nearly every match there is."""
    path = match.path
    if path.type == REGEX:
        yield from _pattern(f"{field}.path.value", path.value, check_regex)
    elif not path.value.startswith("/"):
        yield unsupported_value(f"{field}.path.value", f"{path.value!r} does not start with /", f"write /{path.value}")
    for i, header in enumerate(match.headers):
        yield from _header(f"{field}.headers[{i}]", header, check_regex)
    for i, parameter in enumerate(match.query_params):
        yield from _parameter(f"{field}.queryParams[{i}]", parameter, check_regex)


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
