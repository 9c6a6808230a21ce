"""The steady client running: a fixed rate of checked requests, kept and new connections mixed."""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.answers import Answer, parse
from benchmarks.load.process import Process
from benchmarks.load.tools import compiled

MARK_HEADER = "x-mark"
_LAST_ANSWERS = 15.0
"""Seconds it may take to end once told to: steady itself waits 10 s for answers under way."""


@dataclass(frozen=True)
class Rate:
    """What the client sends."""

    per_second: int
    seconds: float
    """It ends by itself after this long, if it is not stopped before."""
    kept: int
    """Connections kept open and used in turn."""
    new_percent: int
    """Of the requests: on a connection of their own."""


def add_options(parser: argparse.ArgumentParser, seconds: float) -> None:
    parser.add_argument("--seconds", type=float, default=seconds, help="of load (default: %(default)s)")
    parser.add_argument("--rate", type=int, default=1000, help="requests a second (default: %(default)s)")
    parser.add_argument("--kept", type=int, default=64, help="connections kept open (default: %(default)s)")
    parser.add_argument(
        "--new-percent", type=int, default=25, help="of requests on new connections (default: %(default)s)"
    )


class Steady:
    """Starts at once; `stop` or `wait` gives what it saw."""

    def __init__(
        self, port: int, rate: Rate, directory: Path, host: str = "bench.example.com", path: str = "/"
    ) -> None:
        self._output = directory / "steady.out"
        argv = [str(compiled("steady")), port, rate.per_second, rate.seconds, rate.kept, rate.new_percent, host, path]
        with self._output.open("wb") as output:
            self._process = Process(
                [*map(str, argv), MARK_HEADER], None, directory / "steady.log", stdout=output.fileno()
            )

    def wait(self) -> list[Answer]:
        """Waits until its time is over."""
        self._process.popen.wait()
        return self._answers()

    def stop(self) -> list[Answer]:
        """No new requests; waits for the answers under way."""
        self._process.stop(_LAST_ANSWERS)
        return self._answers()

    def abandon(self) -> None:
        self._process.stop(0.5)

    def _answers(self) -> list[Answer]:
        with self._output.open() as lines:
            return parse(lines)


def sleep_until(moment: float) -> None:
    """Sleeps until time.monotonic() is `moment`."""
    time.sleep(max(0.0, moment - time.monotonic()))
