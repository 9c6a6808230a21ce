"""The addresses that Gateways had before us, and those that another replica has given them: they are to keep them."""

from collections.abc import Iterable, Mapping

from proxy.resources.meta import ObjectKey
from proxy.sources.kubernetes.objects import Current


class Addresses:
    """Reads the statuses of Gateways, and remembers what each named when it was first seen."""

    def __init__(self) -> None:
        self._first: dict[ObjectKey, tuple[str, tuple[str, ...]]] = {}
        """Gateway to its uid and addresses."""
        self.named: Mapping[ObjectKey, tuple[str, ...]] = {}
        """By those that were read last."""

    def read(self, gateways: Iterable[tuple[ObjectKey, Current]]) -> Mapping[ObjectKey, tuple[str, ...]]:
        """All that exist now. Returns what they named first; one that was deleted and made again is another one."""
        named: dict[ObjectKey, tuple[str, ...]] = {}
        first: dict[ObjectKey, tuple[str, tuple[str, ...]]] = {}
        for key, current in gateways:
            named[key], known = named_by(current), self._first.get(key)
            first[key] = known if known and known[0] == current.uid else (current.uid, named[key])
        self._first = first
        self.named = {key: addresses for key, addresses in named.items() if addresses}
        return {key: addresses for key, (_, addresses) in first.items() if addresses}


def named_by(current: Current) -> tuple[str, ...]:
    """status.addresses of type IPAddress, which is the default type."""
    found = current.status.get("addresses")
    entries = [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    return tuple(
        str(entry["value"]) for entry in entries if "value" in entry and entry.get("type", "IPAddress") == "IPAddress"
    )
