"""Connections to backends: which backend, which endpoint, and a pooled connection to it."""
