"""The programs a benchmark needs that are not ours: from Debian when missing, or compiled from native/."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
NATIVE = Path(__file__).resolve().parent / "native"

_PACKAGES = {"nginx": "nginx", "haproxy": "haproxy", "wrk": "wrk", "cc": "gcc libc6-dev", "h2load": "nghttp2-client",
             "nghttpd": "nghttp2-server"}  # fmt: skip
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"


class MissingTool(Exception):
    """A program is missing and could not be installed; the message says what to do."""


def find(program: str) -> str | None:
    """The path of `program`; the directories of system daemons are looked into as well."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}")


def require(*programs: str) -> None:
    """Installs from Debian whichever of `programs` are missing. Raises MissingTool."""
    missing = [program for program in programs if find(program) is None]
    if not missing:
        return
    install(*" ".join(_PACKAGES[program] for program in missing).split())
    still = [program for program in missing if find(program) is None]
    if still:
        raise MissingTool(f"apt-get did not bring {', '.join(still)}")


def install(*packages: str) -> None:
    """From Debian. Raises MissingTool where that is not possible; whether it has worked is for the caller to see."""
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if find("apt-get") is None or os.geteuid() != 0:
        raise MissingTool(f"{', '.join(packages)} is missing; install it, on Debian as root: {' '.join(command)}")
    print(f"installing {' '.join(packages)} …", flush=True)
    # RUNLEVEL=1 keeps the packages from starting their services.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run(["apt-get", "update", "--quiet"], env=env, check=False, stdout=subprocess.DEVNULL)
    subprocess.run(command, env=env, check=False, stdout=subprocess.DEVNULL)


def path_of(program: str) -> str:
    found = find(program)
    if found is None:
        raise MissingTool(f"{program} not found")
    return found


def compiled(name: str) -> Path:
    """What native/NAME.c makes, compiled when it is missing or older than its source; NAME.so is a library."""
    require("cc")
    source, target = NATIVE / f"{name.removesuffix('.so')}.c", BUILD / name
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f"{name}.new")
        flags = ["-O2", "-Wall", *(["-shared", "-fPIC"] if name.endswith(".so") else [])]
        subprocess.run([path_of("cc"), *flags, "-o", str(fresh), str(source), "-ldl"], check=True)
        fresh.replace(target)
    return target


def version(program: str) -> str:
    """The first version number the program prints about itself."""
    found = find(program)
    if found is None:
        return "missing"
    flag = {"nginx": "-v", "haproxy": "-v", "wrk": "-v"}.get(program, "--version")
    done = subprocess.run([found, flag], capture_output=True, text=True, check=False)
    words = (done.stdout + done.stderr).replace("/", " ").split()
    return next((word for word in words if word[0].isdigit() and "." in word), "unknown")
