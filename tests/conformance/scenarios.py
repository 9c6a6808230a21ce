"""The scenarios of tests/cluster after the suite: they run under pytest, and their results are counted with it."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from tests.conformance.place import BUILD, ROOT
from tests.conformance.report import Count

RESULTS = BUILD / "scenarios.xml"
_SECONDS_EACH = 600


def run() -> Count:
    """Run them all, pytest's output on ours. A run without results, as of no test at all, counts as a failure."""
    RESULTS.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "pytest", "tests/cluster", f"--timeout={_SECONDS_EACH}", f"--junitxml={RESULTS}"]
    code = subprocess.run(argv, cwd=ROOT, check=False).returncode
    found = counted(RESULTS) if RESULTS.exists() else Count(0, 0, 0)
    return found._replace(failed=max(found.failed, 1)) if code else found


def counted(path: Path) -> Count:
    """The results in a file of the JUnit form."""
    suites = list(ElementTree.parse(path).getroot().iter("testsuite"))
    tests, failed, skipped = (
        sum(int(suite.get(name, "0")) for suite in suites for name in names)
        for names in (("tests",), ("failures", "errors"), ("skipped",))
    )
    return Count(max(tests - failed - skipped, 0), failed, skipped)
