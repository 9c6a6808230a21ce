"""Session persistence to what workers need: how a rule's tokens look, and what stands for each endpoint in them.

A token must be understood by every worker and every replica and after a restart, and must not tell where an endpoint
is. So what stands for an endpoint is a keyed digest of what everybody who serves it knows and nobody outside does: the
uids of its Service and of its Pod, which are random; where there are none, its address under --session-key.
"""

from base64 import urlsafe_b64encode
from hashlib import blake2b

from proxy.resources.duration import seconds
from proxy.snapshot.session import KEY_OCTETS, NAME_OCTETS, Seat, Session, seat
from proxy.snapshot.snapshot import Endpoint
from proxy.translate.compile.octets import octets
from proxy.translate.graph.backends import BackendNode
from proxy.translate.graph.nodes import RouteNode, RuleNode


def compile_session(route: RouteNode, rule: RuleNode) -> Session | None:
    """Sessions belong to one rule, even where rules share a Service and a name (GEP-1619, "Edge Case Behavior")."""
    node = rule.session
    if node is None:
        return None
    given = node.declared
    place = f"{route.resource.kind}/{route.resource.key}/{rule.rule.name or rule.index}"
    digest = blake2b(place.encode(), digest_size=6, person=b"penstock session").digest()
    name = given.name or f"penstock-{digest.hex()}"
    return Session(
        kind="cookie" if given.type == "Cookie" else "header",
        name=octets(name if given.type == "Cookie" else name.lower()),
        scope=urlsafe_b64encode(digest),
        path=octets(given.path),
        timeout=seconds(given.absolute_timeout or ""),
        permanent=given.permanent,
        policy=node.policy,
    )


def seats(node: BackendNode, key: bytes) -> tuple[Seat, ...]:
    """One for each endpoint, then for each name, in their order. `key` is --session-key, or what stands in for it."""
    pods = node.pods or ("",) * len(node.endpoints)
    known = (_seat(node, endpoint, pod, key) for endpoint, pod in zip(node.endpoints, pods, strict=True))
    return (*known, *(_seat(node, name, "", key) for name in node.names))


def _seat(node: BackendNode, endpoint: Endpoint, pod: str, key: bytes) -> Seat:
    """By its Pod where that is known: the next Pod with the address is another endpoint."""
    what = "\0".join((node.key, node.uid, pod or f"{endpoint.host} {endpoint.port}"))
    size = NAME_OCTETS + KEY_OCTETS
    return seat(blake2b(what.encode(), key=key, digest_size=size, person=b"penstock seat").digest())
