"""A cluster as a source: its API server is listed once and then watched.

source       everything together, as a Source; many changes at once are told as one (debounce)
following    each scope (a kind, a namespace, one object) with its collection; its problems and metrics
reflector    lists and watches one scope: discovery says under which path, backoff when again
objects      one object as it was sent, to what is kept of it
collection   what is held of one scope, and what a change makes of it
client       requests and watches (lines, errors); access, kubeconfig, credentials, exec_plugin and tls say where to
state        the last good state on disk
addresses    what Gateways had before us; bundle: the release of the CRDs that is installed
"""
