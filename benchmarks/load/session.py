"""A session of our own for the harness, its load generator and its backend: so they share one autogroup."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from benchmarks.load.process import die_with_parent, favour


def run_in_own_session(main: Callable[[], int]) -> int:
    """Runs `main` in a child that leads a new session; hands signals on to it; returns its exit code.

    The parent stays in the terminal's foreground, so that Ctrl-C still reaches us.
    """
    child = os.fork()
    if child == 0:
        os.setsid()
        die_with_parent(signal.SIGINT)
        if not favour(os.getpid()):
            print("cannot raise autogroup priority (not root?): noise if anything else runs", file=sys.stderr)
        for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT, too: a shell's background jobs ignore it
            signal.signal(number, signal.default_int_handler)
        sys.exit(main())

    def hand_on(number: int, frame: FrameType | None) -> None:
        del number, frame
        os.kill(child, signal.SIGINT)

    signal.signal(signal.SIGINT, hand_on)
    signal.signal(signal.SIGTERM, hand_on)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
