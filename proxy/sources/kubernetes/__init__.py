"""A cluster as a source: its API server is listed once and then watched."""
