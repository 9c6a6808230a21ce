"""NameService: what it costs who has no names."""

import subprocess
import sys

LOADED = """
import sys
import proxy.cli.run, proxy.runtime.control, proxy.runtime.worker
print(*sorted(name for name in sys.modules if name.partition(".")[0] == "dns" or name.startswith("proxy.names")))
"""


def test_without_names_nothing_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
