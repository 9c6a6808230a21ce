"""Names and labels of what is made for a Gateway, always the same for the same Gateway, and of legal length.

A Gateway's name may have 253 characters and dots; a label value has at most 63, and a Service is named
as RFC 1035 says: it begins with a letter and has no dots. What does not fit is cut and told apart by a
hash of the whole.
"""

import re
from hashlib import sha256

from proxy.resources.meta import ObjectKey
from proxy.resources.own import MANAGED_BY, MANAGER

LONGEST = 63
SUFFIX = "penstock"
GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
CLASS_NAME = "gateway.networking.k8s.io/gateway-class-name"
GATEWAY_NAMESPACE = "penstock.dev/gateway-namespace"

_DNS_1035 = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")
_HASH = 10
"""Hexadecimal digits: 40 bits."""


def label_value(name: str) -> str:
    """The name itself where it is short enough."""
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - _HASH - 1].rstrip('-._')}-{_hash(name)}"


def local_name(gateway: ObjectKey) -> str:
    """Of objects in the Gateway's own namespace: GATEWAY-penstock."""
    plain = f"{gateway.name}-{SUFFIX}"
    if len(plain) <= LONGEST and _DNS_1035.fullmatch(plain):
        return plain
    return _cut(gateway.name, gateway.name)


def shared_name(gateway: ObjectKey) -> str:
    """Of objects in the data plane's namespace, where Gateways of all namespaces meet: always with a hash."""
    return _cut(f"{gateway.namespace}-{gateway.name}", str(gateway))


def owner_labels(gateway: ObjectKey) -> dict[str, str]:
    """By these an object is known to be made for the Gateway; nothing may change them."""
    return {
        MANAGED_BY: MANAGER,
        GATEWAY_NAME: label_value(gateway.name),
        GATEWAY_NAMESPACE: gateway.namespace,
    }


def _cut(readable: str, whole: str) -> str:
    """`readable` as far as there is room, the hash of `whole`, and the suffix."""
    tail = f"-{_hash(whole)}-{SUFFIX}"
    head = re.sub(r"[^-a-z0-9]", "-", readable.lower())
    if not head[:1].isalpha():
        head = f"g-{head}"
    return f"{head[: LONGEST - len(tail)].rstrip('-')}{tail}"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_HASH]
