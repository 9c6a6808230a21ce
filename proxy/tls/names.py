"""Names of a certificate against those that are wanted: RFC 9525 (which replaces RFC 6125), and URIs as they stand."""

from collections.abc import Iterable

_MIN_LABELS_BELOW_WILDCARD = 2
"""`*.com` would be for half the world."""


def matches_any(wanted: Iterable[tuple[str, str]], presented: Iterable[tuple[str, str]]) -> bool:
    """Whether one of the subjectAltNames presented is one of those wanted. Each: ("DNS" or "URI", value)."""
    names = list(presented)
    return any(matches(kind, value, name) for kind, value in wanted for name in names)


def matches(kind: str, wanted: str, presented: tuple[str, str]) -> bool:
    """A name is for its own kind only: a URI never stands for a host, nor a common name for anything."""
    presented_kind, name = presented
    if kind != presented_kind:
        return False
    return wanted == name if kind == "URI" else matches_host(wanted, name)


def matches_host(wanted: str, name: str) -> bool:
    """`name`, of a certificate, may begin with `*.`, which stands for exactly one label (RFC 9525 section 6.3).

    So may `wanted`, for who trusts every host right below a domain. Case does not count (section 6.2): that of ASCII,
    for other names are none of the DNS, and some of their letters become ASCII when they are made small.
    """
    if not name.isascii():
        return False
    wanted, name = wanted.lower(), name.lower()
    if wanted == name:
        return True
    return _covers(name, wanted) or _covers(wanted, name)


def _covers(pattern: str, host: str) -> bool:
    """Nothing but a whole first label may be a wildcard, and a wildcard does not cover another one."""
    if not pattern.startswith("*.") or "*" in host:
        return False
    below = pattern[2:]
    first, _, rest = host.partition(".")
    return bool(first) and rest == below and below.count(".") + 1 >= _MIN_LABELS_BELOW_WILDCARD
