"""Ctrl-C for us alone.

The terminal sends SIGINT to its whole foreground process group. Under `make demo` that is make, too,
and make then dies of it, whatever its recipe returns. So the demo makes a group of its own the
foreground one while it runs; make sees a recipe that ends well.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_foreground() -> Iterator[None]:
    """Takes the terminal for this process and gives it back at the end; without one does nothing."""
    group = os.getpgrp()
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        yield
        return
    try:
        if group == os.getpid() or os.tcgetpgrp(terminal) != group:
            yield
            return
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # else tcsetpgrp stops us once we are in the background
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # Ctrl-Z would stop us and leave make in front of it
        os.setpgid(0, 0)
        os.tcsetpgrp(terminal, os.getpgrp())
        try:
            yield
        finally:
            os.tcsetpgrp(terminal, group)
    finally:
        os.close(terminal)
