"""`python -m benchmarks.tls`: the layer of our own under TLS connections beside the event loop's (decision 0006)."""
