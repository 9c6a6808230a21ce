"""Operational logs: one line each on stderr, with time and level."""

import logging
import sys
import time

LEVELS = ("debug", "info", "warning", "error")


class _OneLine(logging.Formatter):
    """What has several lines is indented under its first, so that a line that starts with a time is a record."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\n    ")


def configure_logging(level: str) -> None:
    """Everything at `level` and above goes to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)-7s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells of every change, before we know of any
