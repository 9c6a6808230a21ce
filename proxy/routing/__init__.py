"""Request to rule: compiled tables that answer which rule takes a request, and why.

listeners.PortTable      Host to the listener of a port
table.ListenerTable      host, path, method, headers, query to a Hit
precedence               which of several matching entries wins
explain                  the same, told as data
"""
