"""The official Gateway API conformance suite against Penstock, in a cluster of plain processes.

    python -m tests.conformance VERB

`build` makes the binaries (Kubernetes, etcd, the suite and what its manifests run), `up` starts a one-node
cluster inside a network namespace, `run` runs the suite there, `down` ends it all. Nothing leaves the
namespace. How it works and what of it is real: docs/decisions/0004-conformance-without-containers.md.
"""
