"""python -m benchmarks.micro.compare GITREV: the exchange driver of this tree and of another revision, in turn.

The other revision is unpacked under build/ (nothing is checked out) and runs its own driver with its own
`proxy`. Rounds alternate, each tree first in turn, so that a busy moment meets both; compared are the
smallest times of each case.
"""

import argparse
import json
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from benchmarks.load.tools import BUILD, ROOT

Best = dict[str, float]
"""Case to nanoseconds."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", metavar="GITREV", help="a commit, tag or branch to compare with")
    parser.add_argument("--driver", choices=["exchange", "codecs"], default="exchange")
    parser.add_argument("--rounds", type=int, default=5, help="of each tree (default: %(default)s)")
    parser.add_argument("--slots", type=int, default=5, help="per case and round (default: %(default)s)")
    options = parser.parse_args()
    try:
        other = unpacked(options.revision)
        theirs: Best = {}
        ours: Best = {}
        turns = [(other, theirs), (ROOT, ours)]
        for _ in range(options.rounds):
            for tree, best in turns:
                keep_smallest(best, run(tree, options.driver, options.slots))
            turns.reverse()
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(error.cmd[:4])}: {(error.stderr or b'').decode().strip()[-800:]}", file=sys.stderr)
        return 1
    print("\n".join(table(options.revision, theirs, ours)))
    return 0


def unpacked(revision: str) -> Path:
    """The tree of `revision`, under build/."""
    git = ["git", "-C", str(ROOT)]
    commit = subprocess.run([*git, "rev-parse", "--verify", f"{revision}^{{commit}}"], capture_output=True, check=True)
    target = BUILD / "compare" / commit.stdout.decode().strip()
    if not target.exists():
        archive = subprocess.run([*git, "archive", target.name], capture_output=True, check=True)
        with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
            tar.extractall(target, filter="data")
    return target


def run(tree: Path, driver: str, slots: int) -> Best:
    argv = [sys.executable, "-m", f"benchmarks.micro.{driver}", "--json", "--slots", str(slots)]
    done = subprocess.run(argv, cwd=tree, capture_output=True, check=True)
    return {case["name"]: case["best"] for case in json.loads(done.stdout)}


def keep_smallest(best: Best, seen: Best) -> None:
    for name, time in seen.items():
        best[name] = min(time, best.get(name, time))


def table(revision: str, theirs: Best, ours: Best) -> Sequence[str]:
    """A line for each case of ours: their time, our time, and ours over theirs."""
    width = max(map(len, ours))
    lines = [f"{'':{width}}  {revision[:12]:>12}  {'this tree':>12}  ratio"]
    for name, time in ours.items():
        before = theirs.get(name)
        ratio = f"{time / before:5.2f}" if before else "    –"
        shown = f"{before / 1e3:9.2f} µs" if before else "–"
        lines.append(f"{name:{width}}  {shown:>12}  {time / 1e3:9.2f} µs  {ratio}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
