"""The addresses that Gateways had before us: they are to keep them."""

from collections.abc import Iterable, Mapping

from proxy.resources.meta import ObjectKey
from proxy.sources.kubernetes.objects import Current


class Addresses:
    """Remembers what the status of each Gateway named when it was first seen."""

    def __init__(self) -> None:
        self._first: dict[ObjectKey, tuple[str, tuple[str, ...]]] = {}
        """Gateway to its uid and addresses."""

    def held(self, gateways: Iterable[tuple[ObjectKey, Current]]) -> Mapping[ObjectKey, tuple[str, ...]]:
        """Of those that exist now. A Gateway that was deleted and made again is another one."""
        now: dict[ObjectKey, tuple[str, tuple[str, ...]]] = {}
        for key, current in gateways:
            known = self._first.get(key)
            now[key] = known if known and known[0] == current.uid else (current.uid, _addresses(current))
        self._first = now
        return {key: addresses for key, (_, addresses) in now.items() if addresses}


def _addresses(current: Current) -> tuple[str, ...]:
    """status.addresses of type IPAddress, which is the default type."""
    found = current.status.get("addresses")
    entries = [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    return tuple(
        str(entry["value"]) for entry in entries if "value" in entry and entry.get("type", "IPAddress") == "IPAddress"
    )
