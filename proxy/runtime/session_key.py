"""The key under which tokens of session persistence are made: the same wherever they are to be understood."""

import secrets
from functools import cache
from hashlib import blake2b
from pathlib import Path

MACHINE_ID = Path("/etc/machine-id")
FEWEST = 16
"""Octets of a key."""
_SIZE = 32


def read_session_key(path: str) -> bytes:
    """What --session-key names. Raises ValueError."""
    try:
        data = Path(path).read_bytes().strip()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) < FEWEST:
        raise ValueError(f"{path} holds {len(data)} octets, and a key has at least {FEWEST}")
    return _derived(data)


@cache
def default_session_key(in_cluster: bool, file: Path = MACHINE_ID) -> bytes:
    """In a cluster none: uids take its place there, and all replicas know them.

    Elsewhere what only this machine knows (machine-id(5): never to be shown, so a keyed digest of it); where that is
    not to be had, chance, and then sessions end with this process.
    """
    if in_cluster:
        return b""
    try:
        known = file.read_bytes().strip()
    except OSError:
        known = b""
    return _derived(known) if len(known) >= FEWEST else secrets.token_bytes(_SIZE)


def _derived(data: bytes) -> bytes:
    return blake2b(data, digest_size=_SIZE, person=b"penstock session").digest()
