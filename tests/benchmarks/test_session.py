"""The harness in a session of its own."""

import signal
import subprocess
import sys

START = "import os, sys, time; from benchmarks.load.session import run_in_own_session\n"
NAMES_SESSION = (
    START + "print(os.getsid(0)); sys.exit(run_in_own_session(lambda: print(os.getsid(0), flush=True) or 3))"
)
WAITS = (
    START
    + """
def wait():
    try:
        print("waiting", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        return 130
sys.exit(run_in_own_session(wait))
"""
)


def test_it_runs_in_another_session_and_its_exit_code_is_ours() -> None:
    done = subprocess.run([sys.executable, "-uc", NAMES_SESSION], capture_output=True, text=True, check=False)
    ours, its = done.stdout.split()
    assert ours != its
    assert done.returncode == 3


def test_a_signal_reaches_it_as_an_interrupt() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"waiting\n"
            process.send_signal(number)
            assert process.wait() == 130
