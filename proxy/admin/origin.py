"""Which Host names the admin address answers to: a defence against DNS rebinding.

A web page can make its own name point at 127.0.0.1 and then read what this server answers, unless
the server refuses names it does not know. Addresses cannot be rebound, so all of them are fine.
"""

import ipaddress


def is_allowed(host: str | None, bound: str) -> bool:
    """`host` is the Host field; `bound` the host that --admin names."""
    name = bare_host(host or "").lower().removesuffix(".")
    return name in {"localhost", bound.lower()} - {""} or name.endswith(".localhost") or is_address(name)


def bare_host(host: str) -> str:
    """Without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
