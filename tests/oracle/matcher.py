"""The slow matcher: the text of the Gateway API read out loud, with nothing to make it fast.

Take every match of every rule of every route, keep those that take the request, sort them by the key of
the text, answer the first. It shares no code with proxy.routing, and uses Python's `re`.
"""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from proxy.snapshot.route import RouteMatch, Rule, ValueMatch


class Route(NamedTuple):
    """An HTTPRoute as far as matching goes."""

    hostnames: tuple[bytes, ...]
    rules: tuple[tuple[Rule, tuple[RouteMatch, ...]], ...]


class Request(NamedTuple):
    host: bytes
    path: bytes
    method: bytes
    headers: list[tuple[bytes, bytes]]
    query: bytes | None


def answer(listener: bytes, routes: list[Route], request: Request) -> tuple[str, int, int] | None:
    """(route, rule index, match index) of the winner, None for 404."""
    found = []
    for route in routes:
        for own in route.hostnames or (b"",):
            if not (host_matches(listener, request.host) and host_matches(own, request.host)):
                continue
            for rule, matches in route.rules:
                for index, match in enumerate(matches):
                    if takes(match, request):
                        found.append((key(listener, own, match, rule, index), (rule.route, rule.index, index)))
    return min(found)[1] if found else None


def key(listener: bytes, own: bytes, match: RouteMatch, rule: Rule, index: int) -> tuple[object, ...]:
    common = min(listener, own, key=specificity)  # both cover the host, so one lies within the other
    return (
        specificity(common),  # 1, 2: characters of a non-wildcard hostname, characters of the hostname
        specificity(own),
        ["exact", "regex", "prefix"].index(match.path_kind),  # 3
        -len(match.path),  # 4
        0 if match.method else 1,  # 5
        -len(match.headers),  # 6
        -len(match.query),  # 7
        rule.created,  # 8
        rule.route,  # 9
        rule.index,  # 10
        index,
    )


def specificity(hostname: bytes) -> tuple[int, int]:
    return (-len(hostname) if b"*" not in hostname else 0, -len(hostname))


def host_matches(hostname: bytes, host: bytes) -> bool:
    if hostname.startswith(b"*."):
        return len(host) > len(hostname[1:]) and host.endswith(hostname[1:])
    return hostname in (b"", host)


def takes(match: RouteMatch, request: Request) -> bool:
    fields: dict[bytes, bytes] = {}
    for name, value in request.headers:
        fields[name] = fields[name] + b"," + value if name in fields else value
    parameters: dict[bytes, bytes] = {}
    query = (request.query or b"").decode("latin-1")
    for parameter in parse_qsl(query, keep_blank_values=True, encoding="latin-1"):
        name, value = (part.encode("latin-1") for part in parameter)
        parameters.setdefault(name, value)
    return (
        path_matches(match, request.path)
        and match.method in (b"", request.method)
        and all(value_matches(asked, fields.get(asked.name)) for asked in match.headers)
        and all(value_matches(asked, parameters.get(asked.name)) for asked in match.query)
    )


def path_matches(match: RouteMatch, path: bytes) -> bool:
    if match.path_kind == "exact":
        return path == match.path
    if match.path_kind == "regex":
        return re.fullmatch(match.path, path) is not None
    if match.path == b"/":
        return True  # everything, the `*` of OPTIONS too
    wanted = (match.path[:-1] if match.path.endswith(b"/") else match.path).split(b"/")
    return path.split(b"/")[: len(wanted)] == wanted


def value_matches(asked: ValueMatch, value: bytes | None) -> bool:
    if value is None:
        return False
    return re.fullmatch(asked.value, value) is not None if asked.regex else value == asked.value
