"""The prototypes by name, in the order in which they are shown."""

from benchmarks.micro.seam import callbacks, direct, events, product, relay, streams, tasks
from benchmarks.micro.seam.common import Serve

PROTOTYPES: dict[str, Serve] = {
    "relay": relay.serve,
    "direct": direct.serve,
    "callbacks": callbacks.serve,
    "events": events.serve,
    "tasks": tasks.serve,
    "streams": streams.serve,
    "product": product.serve,
}
CHUNKED = ("direct", "callbacks", "tasks", "product")
"""Those that take chunked answers."""
