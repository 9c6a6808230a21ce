"""What the kit builds with Go, and the cache it keeps outside the clone.

A module of modules/ is built as one: its binaries lie in `<cache>/<module>-<hash>/`, where the hash is over
its go.mod, go.sum, sources, rows of the table below and Go's version. A directory is complete or not there.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.conformance.place import MODULES

KUBERNETES = "1.36.3"
_VERSION = "k8s.io/component-base/version"
_KUBERNETES_FLAGS = f"-X {_VERSION}.gitVersion=v{KUBERNETES} -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=36"
_CAPABILITIES = "helm.sh/helm/v3/pkg/chartutil.k8sVersion"
_HELM_FLAGS = f"-X {_CAPABILITIES}Major=1 -X {_CAPABILITIES}Minor=36"
"""Which Kubernetes `helm template` takes for granted."""


class Binary(NamedTuple):
    """One binary of a module."""

    module: str
    name: str
    package: str
    is_test: bool = False
    linker_flags: str = ""


BINARIES = (
    Binary("kube", "kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", linker_flags=_KUBERNETES_FLAGS),
    Binary(
        "kube",
        "kube-controller-manager",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        linker_flags=_KUBERNETES_FLAGS,
    ),
    Binary("etcd", "etcd", "go.etcd.io/etcd/server/v3"),
    Binary("suite", "conformance.test", ".", is_test=True),
    Binary("suite", "echo-basic", "sigs.k8s.io/gateway-api/conformance/echo-basic"),
    Binary("coredns", "coredns", "."),
    Binary("kustomize", "kustomize", "sigs.k8s.io/kustomize/kustomize/v5"),
    Binary("helm", "helm", "helm.sh/helm/v3/cmd/helm", linker_flags=_HELM_FLAGS),
)
"""Everything that is built. A new tool is a folder in modules/ and a row here."""

COPIES = {"suite": (("sigs.k8s.io/gateway-api", "config/crd/experimental", "crds"),)}
"""Module to what else it keeps: (Go module, folder in it, name in the cache)."""

CPU_MINUTES = {"kube": 13.6, "suite": 3.5, "etcd": 1.3, "coredns": 0.8, "helm": 1.7, "kustomize": 0.7}
"""What each module costs with an empty Go build cache, measured on an x86-64 of 2 cores; others: about one."""


class BuildError(Exception):
    """Go could not build a module; the message has its words."""


def minutes(module: str) -> float:
    """CPU minutes, with an empty Go build cache."""
    return CPU_MINUTES.get(module, 1.0)


def modules() -> tuple[str, ...]:
    return tuple(dict.fromkeys(binary.module for binary in BINARIES))


def cache_root() -> Path:
    chosen = os.environ.get("PENSTOCK_CONFORMANCE_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "penstock" / "conformance"


def path(name: str) -> Path:
    """Where the binary of that name is, or would be."""
    [binary] = [binary for binary in BINARIES if binary.name == name]
    return folder(binary.module) / name


def crds() -> Path:
    """The folder of the Gateway API's CRDs, experimental channel, of the suite's version."""
    return folder("suite") / "crds"


def folder(module: str) -> Path:
    return cache_root() / f"{module}-{fingerprint(MODULES / module, go_version(), rows_of(module))}"


def rows_of(module: str) -> list[Binary]:
    return [binary for binary in BINARIES if binary.module == module]


def fingerprint(source: Path, go: str, rows: Iterable[Binary]) -> str:
    """16 hex digits over all that decides what is built."""
    digest = hashlib.sha256(f"{go}\n{list(rows)}\n".encode())
    for file in sorted(source.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(source)}\n".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@cache
def go_version() -> str:
    """`go1.26.8`. Raises BuildError when there is no Go."""
    go = shutil.which("go")
    if go is None:
        raise BuildError("go is not on the PATH: install Go 1.26.4 or later (https://go.dev/dl/)")
    return subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()


def missing() -> list[str]:
    """The modules that are not in the cache."""
    return [module for module in modules() if not folder(module).is_dir()]


def build_missing() -> None:
    """Build what is not there yet, one module after the other. Raises BuildError."""
    for module in missing():
        with locked(module):
            if not folder(module).is_dir():  # else another build, whose lock we waited for, has made it
                print(
                    f"building {module}: about {CPU_MINUTES.get(module, 1.0):.0f} CPU minutes from nothing ...",
                    flush=True,
                )
                build(module)


@contextmanager
def locked(module: str) -> Iterator[None]:
    """No two builds of a module at once, in whatever clone they run."""
    cache_root().mkdir(parents=True, exist_ok=True)
    with (cache_root() / f"{module}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(module: str) -> None:
    target = folder(module)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for binary in rows_of(module):
            go(module, *command_of(binary, work / binary.name))
        for source, inner, name in COPIES.get(module, ()):
            shutil.copytree(module_folder(module, source) / inner, work / name, copy_function=shutil.copyfile)
        work.chmod(0o755)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def command_of(binary: Binary, output: Path) -> list[str]:
    verb = ["test", "-c"] if binary.is_test else ["build"]
    flags = f"-s -w {binary.linker_flags}".strip()
    return [*verb, "-trimpath", "-ldflags", flags, "-o", str(output), binary.package]


def module_folder(module: str, dependency: str) -> Path:
    """Where Go keeps the sources of a dependency of that module, downloaded if need be."""
    found = json.loads(go(module, "mod", "download", "-json", dependency))
    return Path(found["Dir"])


def go(module: str, *arguments: str) -> str:
    done = subprocess.run(
        ["nice", "go", *arguments],
        cwd=MODULES / module,
        env={**os.environ, "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(f"go {' '.join(arguments)} in {MODULES / module}:\n{done.stderr[-3000:]}")
    return done.stdout
