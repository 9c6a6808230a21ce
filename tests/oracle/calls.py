"""The slow matcher of gRPC calls: GRPCRouteRule.matches read out loud. Shares no code with proxy.routing.

The order: characters of the hostname, of the service, of the method, number of headers, then the older route, its name,
its rule. Names that are written out go before patterns, which is ours to choose (RegularExpression is not core).
"""

import re
from typing import NamedTuple

from tests.oracle.matcher import host_matches, specificity


class Match(NamedTuple):
    """matches[] as the user wrote it; "" for what is left out."""

    service: str = ""
    method: str = ""
    regex: bool = False
    headers: tuple[tuple[str, str], ...] = ()


class Route(NamedTuple):
    """A GRPCRoute as far as matching goes."""

    name: str
    created: str
    hostnames: tuple[bytes, ...]
    rules: tuple[tuple[Match, ...], ...]


class Call(NamedTuple):
    host: bytes
    service: str
    method: str
    headers: dict[str, str]


def answer(routes: list[Route], call: Call) -> tuple[str, int, int] | None:
    """(route, rule, match) of the winner, None for UNIMPLEMENTED. The listener is for every host."""
    found = []
    for route in routes:
        for own in route.hostnames or (b"",):
            for rule, matches in enumerate(route.rules):
                for index, match in enumerate(matches or (Match(),)):
                    if host_matches(own, call.host) and takes(match, call):
                        found.append((key(own, match), route.created, route.name, rule, index))
    return None if not found else min(found)[2:]


def takes(match: Match, call: Call) -> bool:
    names = ((match.service, call.service), (match.method, call.method))
    fits = all(not asked or (re.fullmatch(asked, is_) if match.regex else asked == is_) for asked, is_ in names)
    return fits and all(call.headers.get(name) == value for name, value in match.headers)


def key(own: bytes, match: Match) -> tuple[object, ...]:
    written_out = bool(match.service) and not match.regex
    return (specificity(own), not written_out, -len(match.service), -len(match.method), -len(match.headers))
