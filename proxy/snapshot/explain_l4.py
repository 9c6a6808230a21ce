"""Listeners that read no requests: what becomes of a connection there, in one sentence."""

from collections.abc import Sequence

from proxy.snapshot.doors import Door
from proxy.snapshot.snapshot import Listener

_TABLE = "`penstock routes` shows where to"


def passed_on(listener: Listener) -> str:
    """Why a request is not read there; "" where one is."""
    if listener.protocol == "TCP":
        return (
            f"listener {listener.key} is one of TCP: whatever comes is passed on as it is, no request is read; {_TABLE}"
        )
    if listener.protocol == "TLS":
        how = "passed on decrypted" if listener.certificates else "passed on as they are"
        return f"listener {listener.key} is one of TLS: its connections are {how}, no request is read; {_TABLE}"
    return ""


def all_passed_on(doors: Sequence[Door]) -> str:
    """The same of a port before anything is known of the connection: TCP has a port for itself."""
    told = [passed_on(listener) for door in doors for listener in door.listeners if listener.protocol == "TCP"]
    return told[0] if told and len(told) == len(doors) else ""
