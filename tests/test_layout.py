"""The layering of proxy/ as a test: who may import whom, and who may touch sockets, loops and clocks.

The rules stand below as tables. `violations` reads source text only, so the second half of this file
plants one fault after another into the real tree and shows that each is found.
"""

import ast
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"__main__"}),
    frozenset({"testing"}),
    frozenset({"cli"}),
    frozenset({"demo"}),
    frozenset({"runtime"}),
    frozenset({"admin", "cases", "controller"}),
    frozenset({"downstream"}),
    frozenset({"forward"}),
    frozenset({"upstream"}),
    frozenset({"analysis", "names", "observe", "tls", "translate", "sources"}),
    frozenset({"snapshot"}),
    frozenset({"filters"}),
    frozenset({"routing", "protocol", "resources"}),
    frozenset({"batch", "errors", "wheel"}),
)
"""Top first. A module imports from lower rows and its own package; never upwards, never sideways."""

UPWARD_ALLOWED = {
    ("filters", "proxy.snapshot.route"),
    ("routing", "proxy.snapshot.route"),
}
"""The plain structs of the snapshot are the vocabulary of those who compile them."""

PURE = frozenset({"resources", "protocol", "routing", "filters", "snapshot", "translate", "analysis", "errors"})
IMPURE = frozenset({
    "aiohttp", "asyncio", "multiprocessing", "proxy.wheel", "select", "selectors", "signal", "socket", "ssl",
    "subprocess", "threading", "time", "uvloop", "watchfiles",
})  # fmt: skip
"""What a pure layer may not import: anything that waits, listens, or knows what time it is."""

DATA_PLANE = frozenset({"downstream", "forward", "upstream"})
DECLARATIONS = frozenset({"resources", "translate", "sources"})
"""The data plane knows snapshots only: it never reaches a declaration, not even through others."""

STRANGERS = (
    ("proxy.translate.compile", "proxy.translate.status"),
    ("proxy.protocol.http1", "proxy.protocol.http2"),
)
"""Pairs that never import each other: two readings of one graph, two protocols behind one seam."""

SHARED_BY_FILTERS = frozenset({"proxy.filters.base", "proxy.filters.path"})
"""All that filters have in common; one filter never imports another."""

HOMES = {
    "OpenSSL": ("proxy.downstream.tls.fallback",),
    "aiohttp": ("proxy.admin", "proxy.demo", "proxy.sources.kubernetes"),
    "click": ("proxy.cli",),
    "cryptography": ("proxy.translate",),
    "dns": ("proxy.names",),
    "httptools": ("proxy.protocol.http1",),
    "msgspec": ("proxy",),
    "ngh2": ("proxy.protocol.http2.engine",),
    "prometheus_client": ("proxy.observe",),
    "pytest": ("proxy.testing.plugin", "proxy.testing.collect"),
    "re2": ("proxy.routing",),
    "uvloop": ("proxy.runtime",),
    "watchfiles": ("proxy.sources",),
    "yaml": ("proxy.sources",),
}
"""Third-party package to the only places that may import it."""

MAX_LINES = 400

Sources = Mapping[str, str]
"""Dotted module name to source text; a package stands under its own name."""


# --- the checker ------------------------------------------------------------------------------


def violations(sources: Sources) -> list[str]:
    """Every breach of the rules above, one sentence each, in the order of the modules."""
    found: list[str] = []
    for module, text in sorted(sources.items()):
        found += house_rules(module, text)
        for target in imports_of(module, sources):
            found += [f"{module} imports {target}: {why}" for why in refusals(module, target)]
    return found + list(blindness(sources))


def house_rules(module: str, text: str) -> Iterator[str]:
    if not ast.get_docstring(parse(text)):
        yield f"{module} has no docstring saying what it is for"
    if (lines := text.count("\n")) > MAX_LINES:
        yield f"{module} has {lines} lines: more than {MAX_LINES}, so it has more than one job"


def refusals(module: str, target: str) -> Iterator[str]:
    """Why `module` may not import `target`; nothing when it may."""
    if package_of(module) in PURE and any(is_within(target, impure) for impure in IMPURE):
        yield f"{package_of(module)} is pure"
    if is_within(target, "proxy"):
        yield from direction(module, target)
        yield from strangers(module, target)
    elif (root := target.partition(".")[0]) not in sys.stdlib_module_names:
        homes = HOMES.get(root, ())
        if not any(is_within(module, home) for home in homes):
            yield f"{root} lives in {' and '.join(homes) or 'no package yet: give it a home in HOMES'}"


def direction(module: str, target: str) -> Iterator[str]:
    here, there = package_of(module), package_of(target)
    if there in {here, ""} or (here, target) in UPWARD_ALLOWED:
        return
    if rank(here) is None or rank(there) is None:
        yield f"{here if rank(here) is None else there} has no place in LAYERS"
    elif rank(there) <= rank(here):
        yield f"{there} is not below {here}"


def strangers(module: str, target: str) -> Iterator[str]:
    for one, other in STRANGERS:
        if (is_within(module, one) and is_within(target, other)) or (
            is_within(module, other) and is_within(target, one)
        ):
            yield f"{one} and {other} do not know each other"
    if is_one_filter(module) and is_one_filter(target) and module != target:
        yield "filters do not know each other"


def blindness(sources: Sources) -> Iterator[str]:
    """Chains of imports by which the data plane would see declarations."""
    for start in sorted(module for module in sources if package_of(module) in DATA_PLANE):
        chain = shortest_chain(start, sources)
        if chain:
            yield f"the data plane sees declarations: {' -> '.join(chain)}"


def shortest_chain(start: str, sources: Sources) -> list[str]:
    queue = deque([[start]])
    seen = {start}
    while queue:
        chain = queue.popleft()
        if package_of(chain[-1]) in DECLARATIONS:
            return chain
        for target in imports_of(chain[-1], sources):
            if target in sources and target not in seen:
                seen.add(target)
                queue.append([*chain, target])
    return []


def imports_of(module: str, sources: Sources) -> list[str]:
    """What `module` imports, inside functions too; `from package import name` is a module if there is one."""
    found: dict[str, None] = {}
    for base, name in imported_names(sources[module]):
        full = f"{base}.{name}" if name else base
        target = full if full in sources else base
        if target != module and not module.startswith(f"{target}."):
            found[target] = None
    return list(found)


@cache
def imported_names(text: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for node in ast.walk(parse(text)):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.module or ".", alias.name) for alias in node.names]
    return tuple(found)


@cache
def parse(text: str) -> ast.Module:
    return ast.parse(text)


def package_of(module: str) -> str:
    """`routing` for proxy.routing.table; "" for proxy itself."""
    return module.partition(".")[2].partition(".")[0]


def rank(package: str) -> int | None:
    return next((number for number, row in enumerate(LAYERS) if package in row), None)


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def is_one_filter(module: str) -> bool:
    return module.startswith("proxy.filters.") and module not in SHARED_BY_FILTERS


def read_tree(root: Path) -> dict[str, str]:
    return {module_name(path.relative_to(root)): path.read_text() for path in sorted((root / "proxy").rglob("*.py"))}


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# --- the tree ---------------------------------------------------------------------------------

TREE = read_tree(ROOT)


def test_the_tree_keeps_its_layers() -> None:
    assert violations(TREE) == []


def test_every_package_has_an_init() -> None:
    folders = {path.parent for path in (ROOT / "proxy").rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


IMPORT_EACH_IN_ITS_OWN_PROCESS = """
import os, sys, traceback
import aiohttp.web, click, httptools, msgspec, OpenSSL.SSL, prometheus_client, re2, uvloop, watchfiles, yaml  # once
failed = 0
for module in sys.argv[1:]:
    if (child := os.fork()) == 0:
        try:
            __import__(module)
        except BaseException:
            print(f"{module} does not import alone:", file=sys.stderr)
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    failed |= os.waitpid(child, 0)[1]
sys.exit(failed != 0)
"""


def test_every_module_imports_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH_IN_ITS_OWN_PROCESS, *TREE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0


# --- the checker finds what is planted --------------------------------------------------------

FAULTS = [
    # (where, the line planted, what must be said)
    ("proxy.routing.planted", "import asyncio", "imports asyncio: routing is pure"),
    ("proxy.translate.compile.planted", "import socket", "imports socket: translate is pure"),
    ("proxy.protocol.planted", "from time import monotonic", "imports time: protocol is pure"),
    ("proxy.snapshot.planted", "def f():\n    import threading", "imports threading: snapshot is pure"),
    (
        "proxy.filters.planted",
        "import concurrent.futures, asyncio.tasks",
        "imports asyncio.tasks: filters is pure",
    ),
    ("proxy.resources.planted", "from proxy.wheel import Wheel", "imports proxy.wheel: resources is pure"),
    ("proxy.analysis.planted", "import time", "imports time: analysis is pure"),
    ("proxy.analysis.planted", "from proxy.translate import graph", "translate is not below analysis"),
    ("proxy.routing.planted", "from proxy.translate import graph", "translate is not below routing"),
    ("proxy.upstream.planted", "from proxy.forward import planted", "forward is not below upstream"),
    ("proxy.observe.planted", "import proxy.sources.base", "sources is not below observe"),
    ("proxy.resources.planted", "import proxy.protocol.message", "protocol is not below resources"),
    ("proxy.routing.planted", "from proxy.snapshot import snapshot", "snapshot is not below routing"),
    ("proxy.errors", "import proxy.wheel", "wheel is not below errors"),
    ("proxy.runtime.planted", "from proxy.cli.main import main", "cli is not below runtime"),
    ("proxy.utils", "import proxy.errors", "utils has no place in LAYERS"),
    ("proxy.cli.planted", "import proxy.utils.text", "utils has no place in LAYERS"),
    (
        "proxy.translate.status.planted",
        "from proxy.translate import compile",
        "proxy.translate.compile and proxy.translate.status do not know each other",
    ),
    (
        "proxy.protocol.http1.planted",
        "import proxy.protocol.http2.server",
        "proxy.protocol.http1 and proxy.protocol.http2 do not know each other",
    ),
    ("proxy.filters.planted", "import proxy.filters.other", "filters do not know each other"),
    ("proxy.forward.planted", "import httptools", "httptools lives in proxy.protocol.http1"),
    ("proxy.sources.planted", "from aiohttp import web", "aiohttp lives in proxy.admin and"),
    ("proxy.cli.planted", "import requests", "requests lives in no package yet"),
]


def planted(module: str, line: str) -> list[str]:
    """What the checker says about the tree with `line` in `module` that it does not say without it."""
    text = TREE.get(module, '"""A planted module."""\n')
    return [said for said in violations({**TREE, module: f"{text}\n{line}\n"}) if said not in violations(TREE)]


@pytest.mark.parametrize(("module", "line", "said"), FAULTS)
def test_a_planted_import_is_found(module: str, line: str, said: str) -> None:
    found = planted(module, line)
    assert any(said in sentence for sentence in found), found
    assert all(sentence.startswith(module) for sentence in found), found


def test_the_data_plane_is_caught_looking_through_others() -> None:
    tree = {
        **TREE,
        "proxy.observe.planted": '"""Planted."""\nfrom proxy.resources import meta\n',
        "proxy.upstream.planted": '"""Planted."""\nfrom proxy.observe import planted\n',
    }
    chain = "proxy.upstream.planted -> proxy.observe.planted -> proxy.resources.meta"
    assert f"the data plane sees declarations: {chain}" in violations(tree)


ALLOWED = [
    ("proxy.filters.planted", "from proxy.snapshot.route import Redirect"),
    ("proxy.routing.planted", "from proxy.snapshot.route import Entry"),
    ("proxy.filters.planted", "from proxy.filters.base import FilterChain"),
    ("proxy.downstream.planted", "import asyncio, socket, time\nfrom proxy import __version__, wheel"),
    (
        "proxy.translate.planted",
        "from proxy.translate.compile import a\nfrom proxy.translate.status import b",
    ),
    ("proxy.admin.planted", "from aiohttp import web"),
]


@pytest.mark.parametrize(("module", "line"), ALLOWED)
def test_what_is_allowed_stays_allowed(module: str, line: str) -> None:
    assert planted(module, line) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "has no docstring"),
        ('"""Long."""\n' + "\n" * MAX_LINES, f"has {MAX_LINES + 1} lines"),
    ],
)
def test_house_rules_are_found_broken(text: str, said: str) -> None:
    [found] = violations({"proxy.planted.module": text})
    assert said in found
