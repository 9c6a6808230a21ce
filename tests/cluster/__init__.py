"""Scenarios in a real cluster: `make cluster-test`, and the end of `make conformance`. Not part of `make test`."""
