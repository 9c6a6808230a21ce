"""Penstock: a Gateway API reverse proxy.

The packages stand in the order in which data flows. What the user declares travels down the
first group and becomes a snapshot; a request travels down the second and becomes an answer.

    resources   what the user declares                 |
    sources     where declarations come from           |  control
    translate   graph, then compile and status apart   |
    snapshot    the compiled hand-over: plain data     <- everything above writes it, all below read it
    analysis    what can be said of whole snapshots
    protocol    bytes to messages and back             |
    routing     request to rule                        |  pure: no socket, no event loop, no clock
    filters     what a rule does to messages           |
    downstream  connections from clients               |
    forward     one request, there and back            |  data
    upstream    connections to backends                |
    tls         what connections both ways share of TLS
    names       what DNS names of backends lead to
    observe, admin, controller, runtime, demo, cli     the shell around it
    cases, testing                                     requests, and what is expected of them

`errors`, `wheel` (deadlines) and `batch` (writes) stand below them all.
"""

__version__ = "0.1.0"
