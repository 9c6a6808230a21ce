"""The contestants: a data plane over each of two layers of TLS, and nginx where it is installed."""

import sys
from collections.abc import Callable

from benchmarks.load import tools
from benchmarks.load.certificate import pair
from benchmarks.load.peers import Launch, Peer, Plan, nginx, penstock
from proxy.runtime.process import MALLOC

BASE = "uvloop"
"""What the others are compared with: the alternative that was not taken."""


def peers() -> list[Peer]:
    """The base first."""
    found = [Peer(BASE, launcher(BASE)), Peer("own", launcher("own"))]
    if tools.find("nginx") is not None:
        found.append(Peer("nginx", nginx.launch))
    return found


def launcher(layer: str) -> Callable[[Plan], Launch]:
    """How `benchmarks.tls.serve` is started with that layer, its allocator set as a worker's."""

    def launch(plan: Plan) -> Launch:
        plan.write("chain.pem", pair().chain)
        plan.write("key.pem", pair().key)
        arguments = (layer, str(plan.port), str(plan.backend_port), str(plan.directory))
        return Launch((sys.executable, "-m", "benchmarks.tls.serve", *arguments), {**MALLOC, **penstock.environment()})

    return launch
