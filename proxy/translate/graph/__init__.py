"""Step 1: what is valid, what attaches to what, what refers to what.

build        the steps in order, on one page; nodes: what they make
gateways, listeners, listenersets     who listens; certificates (x509) with what
parameters, addresses, binds          where: of a pool, by a Service (gateway_services, target_ports), by default
routes, matches, filters, backends    what is served, each by itself; attach: on which listeners
conditions and the *_conditions       everything that can be found wrong, once for status and for `penstock check`
"""
