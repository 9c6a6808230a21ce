"""Whole proxies under traffic, side by side with nginx: `python -m benchmarks.load`."""
