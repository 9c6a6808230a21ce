"""Explanations: what the snapshot says of a request, and for each part of it where that was declared.

Nothing is kept for this beside what translation keeps anyway: each explanation reads the graph again.

explain          the whole answer; scene: what describers of its parts are shown; origins: what they answer with
filter_origins   which entry of the route each filter was
listener_policies, rule_policies, backend_policies    tables of what applies; grants: by whose leave
unattached       routes that would take a request, and why they may not
"""
