"""What must be there before a cluster can come up; every lack is named with its remedy."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from tests.conformance import binaries

TOOLS = {
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
    "chroot": "coreutils",
    "nice": "coreutils",
    "openssl": "openssl",
}
"""Command to the Debian package that has it."""

_MEMORY_MIB = 1500
"""What a cluster with the suite's Pods takes, measured."""


def lacks() -> list[str]:
    """What is missing, one sentence each; nothing when a cluster can be built and brought up."""
    found = [*_of_the_machine(), *_of_tools(), *_of_memory()]
    return found or _of_namespaces()


def _of_the_machine() -> list[str]:
    if platform.system() != "Linux":
        return [f"{platform.system()} has no network namespaces: run it on Linux"]
    if os.geteuid() != 0:
        return ["network namespaces, mounts and chroot need root: run it with sudo, or in a virtual machine as root"]
    return []


def _of_tools() -> list[str]:
    missing = {tool: package for tool, package in TOOLS.items() if shutil.which(tool) is None}
    found = []
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        found.append(f"missing {', '.join(missing)}: on Debian or Ubuntu, apt-get install {packages}")
    try:
        binaries.go_version()
    except binaries.BuildError as error:
        found.append(str(error))
    return found


def _of_memory() -> list[str]:
    if not Path("/dev/shm").is_dir():
        return ["/dev/shm is not there: mount -t tmpfs tmpfs /dev/shm"]
    available = available_mib(Path("/proc/meminfo").read_text())
    return [] if available >= _MEMORY_MIB else [f"{available} MiB of memory are free, a cluster takes {_MEMORY_MIB}"]


def available_mib(meminfo: str) -> int:
    [line] = [line for line in meminfo.splitlines() if line.startswith("MemAvailable:")]
    return int(line.split()[1]) // 1024


def _of_namespaces() -> list[str]:
    """Made for a moment, as a cluster makes them: containers often may not."""
    links = ("link set lo up", "link add br0 type bridge", "link add v0 type veth peer name v1")
    probe = " && ".join((*(f"ip {link}" for link in links), "mount -t tmpfs none /mnt"))
    argv = ["unshare", "--net", "--mount", "sh", "-c", probe]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    remedy = "run it on a host or in a virtual machine, or give the container --privileged"
    return [f"no network namespaces with bridge and veth can be made here ({done.stderr.strip()}): {remedy}"]
