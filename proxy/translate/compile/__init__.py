"""Step 2: graph to snapshot.

build       everything, keeping what did not change
routes      rules, with filters (and direct_response), whatever listener they are on; buckets: per listener and hostname
upstreams   backends that a served rule leads to; octets: text as it is matched and sent
sessions    how tokens of session persistence look, and what they stand for
"""
