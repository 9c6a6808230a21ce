"""Witnesses and hosts: the Host header is a field like others to matches, but says which host it is; and asking
the tables that serve whether a witness is answered as was worked out.
"""

from collections.abc import Iterable, Iterator
from urllib.parse import quote_from_bytes

from proxy.analysis.box import Box, fits
from proxy.analysis.order import Item
from proxy.analysis.ports import Port
from proxy.analysis.witness import Undecided, Witness, find_witness
from proxy.errors import ProxyError
from proxy.protocol.uri import matched_host
from proxy.routing.conditions import HEADER
from proxy.routing.hit import Headers
from proxy.routing.table import HostTable, ListenerTable
from proxy.snapshot.route import Rule, ValueMatch
from proxy.snapshot.snapshot import Listener, Snapshot

AT_HOST = (HEADER, b"host")


def _host_conditions(snapshot: Snapshot) -> Iterator[ValueMatch]:
    for bucket in snapshot.buckets.values():
        for entry in bucket.entries:
            yield from (asked for asked in entry.match.headers if asked.name == b"host")


def asks_for_host(snapshot: Snapshot) -> bool:
    """Whether any match looks at the header Host."""
    return any(True for _ in _host_conditions(snapshot))


def hosts_asked_for(snapshot: Snapshot) -> set[bytes]:
    """Hosts that matches name as the value of the header Host."""
    found = (_host_of(asked.value) for asked in _host_conditions(snapshot) if not asked.regex)
    return {host for host in found if host}


def _host_of(value: bytes) -> bytes:
    try:
        return matched_host(value)
    except ProxyError:
        return b""


def find_for_host(host: bytes, port: int, box: Box, others: Iterable[Box]) -> Witness | None:
    """find_witness where Host can only say what names this host: the host, or with the port. Raises Undecided."""
    boxes = list(others)
    if AT_HOST in box.equal:
        return find_witness(box, boxes) if _host_of(box.equal[AT_HOST]) == host else None
    patterns = box.matching.get(AT_HOST, ())
    for value in (host, b"%s:%d" % (host, port)):
        if all(fits(pattern, value) for pattern in patterns):
            matching = {place: one for place, one in box.matching.items() if place != AT_HOST}
            found = find_witness(box._replace(equal={**box.equal, AT_HOST: value}, matching=matching), boxes)
            if found is not None:
                return found
    if patterns:
        raise Undecided("the header Host by regular expression")
    return None


# --- the tables that serve --------------------------------------------------------------------


class Tables:
    """The compiled tables of one port, made when they are first asked."""

    def __init__(self, port: Port) -> None:
        self._side = port.side
        self._tables: dict[str, ListenerTable[Rule]] = {}

    def answers(self, listener: Listener | None, host: bytes, witness: Witness, item: Item | None) -> bool:
        """Whether the request is answered as by this entry; None for no entry at all."""
        if listener is None:
            return item is None
        headers, query = on_the_wire(witness, host)
        hit = self._table(listener.key).match(host, witness.path, witness.method, headers, query)
        if hit is None or item is None:
            return hit is None and item is None
        return self._side.effects_of(listener.key).of(hit.rule) == item.effect

    def _table(self, listener: str) -> ListenerTable[Rule]:
        if listener not in self._tables:
            buckets = self._side.buckets_of(listener)
            self._tables[listener] = ListenerTable(
                {hostname: HostTable.compile(bucket, _itself) for hostname, bucket in buckets.items()}
            )
        return self._tables[listener]


def _itself(rule: Rule) -> Rule:
    return rule


def on_the_wire(witness: Witness, host: bytes) -> tuple[Headers, bytes | None]:
    """Header fields, Host first, and the query."""
    headers = [(name, value) for (kind, name), value in witness.values.items() if kind == HEADER]
    named = witness.values.get(AT_HOST)
    headers = [field for field in headers if field[0] != b"host"]
    return [(b"host", named if named is not None else host), *headers], query_of(witness)


def query_of(witness: Witness) -> bytes | None:
    """The query string that has the witness's parameters."""
    pairs = [
        f"{quote_from_bytes(name, '')}={quote_from_bytes(value, '')}"
        for (kind, name), value in witness.values.items()
        if kind != HEADER
    ]
    return "&".join(pairs).encode() if pairs else None
