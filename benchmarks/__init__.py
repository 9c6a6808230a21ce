"""Benchmarks: `micro` times one part in one process, `load` whole proxies under traffic. See README.md."""
