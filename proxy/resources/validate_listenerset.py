"""ListenerSet: its entries keep the rules of a Gateway's listeners.

As with a Gateway, entries of one port, protocol and hostname are left to translation: it refuses them alone.
"""

from collections.abc import Iterator

from proxy.resources.listenerset import ListenerSet
from proxy.resources.problem import Finding
from proxy.resources.validate_gateway import validate_listeners


def validate_listener_set(item: ListenerSet) -> Iterator[Finding]:
    yield from validate_listeners(item.spec.listeners)
