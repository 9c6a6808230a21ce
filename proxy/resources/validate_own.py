"""Our own kinds: rules across fields."""

import re
from collections.abc import Iterator
from ipaddress import ip_address

from proxy.resources.own import Backend
from proxy.resources.problem import Finding
from proxy.resources.validate_backendtls import validate_trust

_LABEL = r"[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?"
_DNS_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?\Z")
_ALL_DIGITS = re.compile(r"[0-9.]+\Z")


def validate_backend(backend: Backend) -> Iterator[Finding]:
    for index, endpoint in enumerate(backend.spec.endpoints):
        if not is_host(endpoint.host):
            path = ("spec", "endpoints", index, "host")
            hint = "an IP address (IPv6 without brackets) or a DNS name, without a port or a scheme"
            yield Finding(path, f'"{endpoint.host}" is not a host', hint)
    if backend.spec.tls is not None:
        yield from validate_trust(backend.spec.tls, ("spec", "tls"))


def is_host(text: str) -> bool:
    """An IP address or a DNS name. What looks like an IPv4 address and is none is neither."""
    try:
        ip_address(text)
    except ValueError:
        return bool(_DNS_NAME.match(text)) and not _ALL_DIGITS.match(text)
    return True
