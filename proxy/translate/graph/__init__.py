"""Step 1: what is valid, what attaches to what, what refers to what.

build        the steps in order, on one page; nodes: what they make
gateways, listeners, listenersets     who listens; certificates (x509), clients and listener_tls: over TLS
parameters, addresses, binds          where: of a pool, by a Service (gateway_services, target_ports), by default
routes, matches, filters              what is served, each by itself; extensions, external_auth: what filters name
parents, attach, hostnames            on which listeners; namespaces: from where
backends, endpoints, named            what answers: Services, Backends, xbackends, and names of theirs
backendtls, backendtraffic            policies for backends (policy_targets); sessions: those of rules and theirs
upstream_tls, ca_certificates         TLS to backends, whoever declares it
references                            what ReferenceGrants permit
policy_users, xbackend_users          which Gateways lead to what: whose status it is
age, nearest, names, header_names     who comes first; which name was meant; how things are called
conditions and the *_conditions       everything that can be found wrong, once for status and for `penstock check`
"""
