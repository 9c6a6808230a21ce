"""What a container finds in its file system: volumes at their mount paths, and beside them nothing or everything.

For a static binary, nothing. For an image that needs the machine's files, a root of symbolic links into
`/.host`, where the machine's root is bound when the container starts; only directories on the way to a mount
path are real, with links for what else the machine has there. So any mount path works, as in a real image,
and none of it is seen outside.
"""

import os
from pathlib import Path

from tests.conformance.node.command import path_of

Volume = dict[str, bytes]
"""File name (relative, may have slashes) to content."""

HOST = ".host"
_OWN = ("proc", "dev", "sys", "tmp")
"""Directories of a container's own: bound when it starts, or empty."""


def lay_out(root: Path, mounts: dict[str, Volume], on_host: bool) -> None:
    """Make the root directory of a container; `mounts` is absolute mount path to what is there."""
    root.mkdir(parents=True)
    if on_host:
        for name in (HOST, *_OWN):
            (root / name).mkdir()
        _link_others(root, Path("/"))
    (root / "tmp").mkdir(exist_ok=True)
    for path, volume in mounts.items():
        target = _directory(root, path, on_host)
        for name, content in volume.items():
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def _directory(root: Path, path: str, on_host: bool) -> Path:
    """A real directory at that path, each of its parents real, too; the last one is the volume's alone."""
    target, seen = root, Path("/")
    parts = Path(path).parts[1:]
    for number, part in enumerate(parts):
        target, seen = target / part, seen / part
        if target.is_symlink():
            target.unlink()
        if not target.is_dir():
            target.mkdir()
            if on_host and number < len(parts) - 1:
                _link_others(target, seen)
    return target


def _link_others(target: Path, original: Path) -> None:
    """Links to all entries of the machine's directory that are not there yet."""
    if not original.is_dir():
        return
    for entry in os.scandir(original):
        if not (target / entry.name).exists():
            (target / entry.name).symlink_to(f"/{HOST}{original / entry.name}")


def start_in(root: Path, on_host: bool) -> list[str]:
    """The words before a container's command that give it `root` for its root."""
    if not on_host:
        return [path_of("chroot"), str(root)]
    mounts = f"mount --rbind / {root}/{HOST}; mount --rbind /dev {root}/dev; mount --rbind /sys {root}/sys"
    script = f'set -e; {mounts}; mount --bind /proc {root}/proc; exec {path_of("chroot")} {root} "$@"'
    return [path_of("unshare"), "--mount", path_of("sh"), "-c", script, "sh"]
