"""Why two things that look alike are not the same to a matcher: the mistakes that people make again and again.

Each function gets what a match expects and what the request has, and returns a hint or "".
"""

from urllib.parse import quote_from_bytes, unquote_to_bytes

from proxy.routing.hostname import covers
from proxy.routing.regex import BadPattern, compile_pattern
from proxy.snapshot.route import RouteMatch, ValueMatch


def host_hint(hostname: bytes, host: bytes) -> str:
    """`hostname` does not cover `host`."""
    if hostname.startswith(b"*.") and hostname[2:] == host:
        return f"a wildcard stands for one label or more: {text(hostname)} does not take {text(host)} itself"
    if covers(b"*." + hostname, host):
        return f"a hostname takes no subdomains: *.{text(hostname)} would"
    if b"www." + hostname == host or hostname == b"www." + host:
        return "they differ in www. only"
    if _edits(hostname, host) <= 2:
        return f"did you mean {text(hostname)}?"
    return ""


def path_hint(match: RouteMatch, path: bytes) -> str:
    """`match` does not take `path`."""
    value = match.path
    if match.path_kind == "regex":
        return _pattern_hint(value, path, "path")
    for ours, theirs, hint in (
        (value.lower(), path.lower(), "they differ in upper and lower case only: paths are case-sensitive"),
        (unquote_to_bytes(value), unquote_to_bytes(path), _encoding(value, path)),
    ):
        if _takes(match, ours, theirs):
            return hint
    if match.path_kind == "exact":
        if value.rstrip(b"/") == path.rstrip(b"/"):
            return "they differ in the / at the end only, which Exact compares and PathPrefix does not"
        if path.startswith(value.rstrip(b"/") + b"/"):
            return "Exact takes this one path; PathPrefix would take what is below it, too"
        return ""
    if path.startswith(value):
        return f"a prefix ends where a path segment ends: {text(value)} takes {text(value)}/… and no longer word"
    return ""


def method_hint(expected: bytes, method: bytes) -> str:
    if (expected, method) == (b"GET", b"HEAD"):
        return "a match for GET takes no HEAD: add a match for it, or leave the method out"
    if method == b"OPTIONS":
        return "a preflight comes with OPTIONS: leave the method out where there is a CORS filter"
    if expected.lower() == method.lower():
        return "methods are upper case"
    return ""


def value_hint(asked: ValueMatch, value: bytes | None, names: list[bytes]) -> str:
    """`value` is not as asked; None: it is missing, and `names` are there."""
    if value is None:
        alike = next((name for name in names if name.lower() == asked.name.lower()), None)
        if alike is not None:
            return f"there is {text(alike)}: names of query parameters are case-sensitive"
        near = next((name for name in names if _edits(name, asked.name) == 1), None)
        return "" if near is None else f"there is {text(near)}"
    if asked.regex:
        return _pattern_hint(asked.value, value, "value")
    if value.lower() == asked.value.lower():
        return "they differ in upper and lower case only: values are case-sensitive"
    if value.strip() == asked.value.strip():
        return "they differ in blanks only"
    return ""


def _takes(match: RouteMatch, value: bytes, path: bytes) -> bool:
    """As path_matches would, of other values."""
    if match.path_kind == "exact":
        return value == path
    bare = value.rstrip(b"/")
    return path == bare or path.startswith(bare + b"/")


def _encoding(value: bytes, path: bytes) -> str:
    sent = value if b"%" in value else quote_from_bytes(value, safe="/%:@!$&'()*+,;=~").encode()
    if b"%" not in value and value != sent:
        return f"paths are compared as they are sent: write {text(sent)}"
    return f"paths are compared as they are sent, {text(path)}: only the encoding of unreserved characters is undone"


def _pattern_hint(pattern: bytes, value: bytes, what: str) -> str:
    """A pattern must match the whole; people expect that a part is enough."""
    if _matches(b"(?s:.*)(?:" + pattern + b")(?s:.*)", value):
        return f"a pattern must match the whole {what}, and this one matches a part of it"
    if _matches(b"(?i:" + pattern + b")", value):
        return "it would match but for upper and lower case"
    return ""


def _matches(pattern: bytes, value: bytes) -> bool:
    """False for what is no pattern any more with something around it, such as one that ends in the midst of a quote."""
    try:
        return bool(compile_pattern(pattern)(value))
    except BadPattern:
        return False


def _edits(one: bytes, other: bytes) -> int:
    """Letters to be inserted, dropped or replaced to make one the other; 3 stands for all above 2."""
    if abs(len(one) - len(other)) > 2 or len(one) < 4 or len(one) > 255:
        return 3
    before = list(range(len(other) + 1))
    for i, ours in enumerate(one, 1):
        now = [i]
        for j, theirs in enumerate(other, 1):
            now.append(min(before[j] + 1, now[j - 1] + 1, before[j - 1] + (ours != theirs)))
        before = now
    return min(before[-1], 3)


def text(value: bytes) -> str:
    """Bytes for people."""
    return value.decode("utf-8", "backslashreplace") or "(empty)"
