"""Request to rule: compiled tables that answer which rule takes a request, and why.

listeners    Host to the listener of a port (PortTable), by hostname
table        host, path, method, headers, query to a Hit (ListenerTable), or to a miss
path         the entries of a path; dispatch: among those that share one; conditions and regex: what they ask
precedence   which of several matching entries wins
explain      the same told as data, by places; near_misses where nothing answers, and hints
"""
