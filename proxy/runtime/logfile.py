"""Where access log lines go: opened by control, so that workers need no right to open files."""

import logging
import os
import sys

log = logging.getLogger("penstock")

NONE = -1


def open_access_log(target: str) -> int:
    """A descriptor to append to, for "-" (stdout) or a path. NONE for "off", and with an error for what fails."""
    if target == "off":
        return NONE
    if target == "-":
        return os.dup(sys.__stdout__.fileno()) if sys.__stdout__ else NONE
    try:
        return os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        log.error("no access log: %s: %s\nhint: give --access-log a path that can be written", target, error.strerror)
        return NONE
