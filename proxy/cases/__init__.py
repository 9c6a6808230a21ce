"""Cases: a request, and what is expected to become of it. Written in YAML, answered by the tables that serve."""
