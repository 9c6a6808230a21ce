"""DNS names of upstreams, and what they lead to: what control finds out and workers connect to."""

from typing import NamedTuple

from msgspec import Struct


class NameKey(NamedTuple):
    """A name as it is looked up."""

    host: str
    """As it was declared."""
    external: bool
    """It may be meant to lead astray: only DNS is asked, for the name as it stands, and addresses that nobody outside
    may reach are left out. Otherwise it is looked up as by anything else on this machine."""


class Resolved(Struct, frozen=True, array_like=True):
    """What a name leads to now."""

    name: NameKey
    addresses: tuple[str, ...] = ()
    """IP addresses, sorted."""
    reason: str = ""
    """Why there are none; word_with_underscores."""
