"""What a match asks beside the path: method, headers and query parameters, and how each is read.

A condition is a small tuple (kind, name, wanted), so that conditions can be counted, hashed and used as
keys of a dispatch table; `wanted` is a value to equal or a compiled pattern to match.
"""

from functools import lru_cache
from urllib.parse import unquote_to_bytes

from proxy.routing.hit import Headers
from proxy.routing.regex import FullMatch, compile_pattern
from proxy.snapshot.route import RouteMatch

METHOD, HEADER, QUERY = 0, 1, 2

Equal = tuple[int, bytes, bytes]
"""(kind, name, value); the name of METHOD is b""."""
Pattern = tuple[int, bytes, FullMatch]


def equalities(match: RouteMatch) -> tuple[Equal, ...]:
    """The conditions met by one value only, cheapest to check first."""
    found = [(METHOD, b"", match.method)] if match.method else []
    found += [(HEADER, asked.name, asked.value) for asked in match.headers if not asked.regex]
    found += [(QUERY, asked.name, asked.value) for asked in match.query if not asked.regex]
    return tuple(found)


def patterns(match: RouteMatch) -> tuple[Pattern, ...]:
    """The conditions that are regular expressions. Raises regex.BadPattern."""
    found = [(HEADER, asked.name, compile_pattern(asked.value)) for asked in match.headers if asked.regex]
    found += [(QUERY, asked.name, compile_pattern(asked.value)) for asked in match.query if asked.regex]
    return tuple(found)


def header_value(headers: Headers, name: bytes) -> bytes | None:
    """The value of a header, repeated fields joined with "," (RFC 9110 section 5.3); None without it."""
    found = None
    for key, value in headers:
        if key == name:
            found = value if found is None else found + b"," + value
    return found


@lru_cache(maxsize=1)
def query_values(query: bytes) -> dict[bytes, bytes]:
    """Parameters by name, decoded as form data (`+` is a space); of a repeated one the first.

    Several leaves may ask for the same query in one match, therefore the last answer is kept. Only
    tables whose rules look at parameters ever call this.
    """
    values: dict[bytes, bytes] = {}
    for pair in query.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            values.setdefault(_form_decoded(name), _form_decoded(value))
    return values


def _form_decoded(text: bytes) -> bytes:
    if b"+" in text:
        text = text.replace(b"+", b" ")
    return unquote_to_bytes(text) if b"%" in text else text


def value_of(kind: int, name: bytes, method: bytes, headers: Headers, query: bytes | None) -> bytes | None:
    """What the request has where a condition of this kind and name looks."""
    if kind == METHOD:
        return method
    if kind == HEADER:
        return header_value(headers, name)
    return query_values(query).get(name) if query else None


def hold(
    equal: tuple[Equal, ...],
    matching: tuple[Pattern, ...],
    method: bytes,
    headers: Headers,
    query: bytes | None,
) -> bool:
    """Whether the request meets every condition."""
    for kind, name, wanted in equal:
        if value_of(kind, name, method, headers, query) != wanted:
            return False
    for kind, name, pattern in matching:
        value = value_of(kind, name, method, headers, query)
        if value is None or not pattern(value):
            return False
    return True
