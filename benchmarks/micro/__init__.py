"""One part in one process: `python -m benchmarks.micro.{matcher,codecs,exchange,translation,seam,compare}`."""
