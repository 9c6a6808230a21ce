"""Which hosts a listener and a route both mean (Gateway API, HTTPRoute.spec.hostnames)."""

from proxy.routing.hostname import covers


def intersect(listener: bytes, route: bytes) -> bytes | None:
    """The narrower of the two when one covers the other; None when they have no host in common."""
    if covers(listener, route):
        return route
    return listener if covers(route, listener) else None
