"""Which requests are answered otherwise by one configuration than by another, with a witness for each change.

Ports are compared one by one, and on each the classes of hosts that it tells apart. Where a hostname stayed as it
was, what its hosts are answered otherwise is what those of the next more general hostname are, so that it is
skipped; where it did not, `seek` looks at the entries that did not stay. Every witness is put to the tables
that serve before it is reported.
"""

from collections.abc import Iterable
from functools import partial

from proxy.analysis.aligned import Aligned
from proxy.analysis.asking import Tables, asks_for_host, find_for_host, hosts_asked_for
from proxy.analysis.changes import Asked, Comparison, Gathered, Outcome
from proxy.analysis.effect import CLOSED, client_check
from proxy.analysis.hosts import HostClass, Parents, host_classes
from proxy.analysis.order import Item
from proxy.analysis.ports import Port, Side, pair_ports
from proxy.analysis.seek import Found, seek, seek_nothing
from proxy.analysis.sockets import compare_headers, compare_server_names, compare_sockets
from proxy.analysis.witness import Undecided, Witness, find_witness
from proxy.routing.precedence import host_key
from proxy.snapshot.snapshot import Listener, Snapshot

Cell = tuple[Listener | None, Listener | None]
"""The listener that a host belongs to, before and after."""


def compare(old: Snapshot, new: Snapshot, *, endpoints: bool = False) -> Comparison:
    """`endpoints`: those of Services count as part of the answer, though they come and go."""
    before, after = Side(old, endpoints=endpoints), Side(new, endpoints=endpoints)
    gathered = Gathered()
    for one, other in pair_ports(before, after):
        compare_sockets(one, other, gathered)
        if one is not None and other is not None:
            compare_headers(one, other, gathered)
            _PortComparison(one, other, gathered).run()
    return gathered.told()


class _PortComparison:
    """One port before and after."""

    def __init__(self, old: Port, new: Port, gathered: Gathered) -> None:
        self._old = old
        self._new = new
        self._gathered = gathered
        self._asks_for_host = asks_for_host(old.side.snapshot) or asks_for_host(new.side.snapshot)
        self._aligned: dict[tuple[str, str, bytes], Aligned] = {}
        self._same: dict[tuple[str, str, bytes], bool] = {}
        self._upstreams_stayed = _upstreams_stayed(old, new)
        self._tables = (Tables(old), Tables(new))

    def run(self) -> None:
        names = {*self._old.hostnames(), *self._new.hostnames()}
        if self._asks_for_host:
            names |= hosts_asked_for(self._old.side.snapshot) | hosts_asked_for(self._new.side.snapshot)
        classes = host_classes(names)
        parents = Parents(names)
        cells: dict[bytes, Cell] = {}
        for one in classes:
            cell = cells[one.hostname] = self._old.choose(one.host), self._new.choose(one.host)
            parent = parents.of(one.hostname, one.host)
            self._compare_hosts(one, cell, inherits=parent is not None and cells[parent] == cell)
        members = {_cell_key(cells[one.hostname]): (one.host, cells[one.hostname]) for one in reversed(classes)}
        self._compare_listeners(members.values())
        if self._new.socket.secure:
            compare_server_names(list(members.values()), self._new, self._gathered)

    # --- entries ------------------------------------------------------------------------------

    def _compare_hosts(self, one: HostClass, cell: Cell, *, inherits: bool) -> None:
        names = {*self._old.side.asked(cell[0], one.host), *self._new.side.asked(cell[1], one.host)}
        if inherits and (one.hostname not in names or self._stayed(cell, one.hostname)):
            return
        nothing = self._old.nothing(cell[0]), self._new.nothing(cell[1])
        if nothing[0] == nothing[1] and all(self._stayed(cell, name) for name in names):
            return
        chain = [self._align(cell, name) for name in sorted(names, key=host_key)]
        find = partial(find_for_host, one.host, self._new.declared) if self._asks_for_host else find_witness
        for found in seek(chain, 1 if inherits else len(chain), nothing, find):
            self._report(one, cell, found)
        if nothing[0] != nothing[1] and not inherits:
            for found in seek_nothing(chain, find):
                self._report(one, cell, found)

    def _stayed(self, cell: Cell, hostname: bytes) -> bool:
        """Whether what is served under a hostname is what it was."""
        at = (*_cell_key(cell), hostname)
        if at not in self._same:
            self._same[at] = self._compare_buckets(cell, hostname)
        return self._same[at]

    def _compare_buckets(self, cell: Cell, hostname: bytes) -> bool:
        """At a glance if it can be, else entry by entry."""
        old, new = cell
        before = self._old.side.buckets_of(old.key).get(hostname) if old is not None else None
        after = self._new.side.buckets_of(new.key).get(hostname) if new is not None else None
        if before == after and (before is None or self._upstreams_stayed):
            return True
        return self._align(cell, hostname).same

    def _align(self, cell: Cell, hostname: bytes) -> Aligned:
        old, new = cell
        at = (*_cell_key(cell), hostname)
        if at not in self._aligned:
            self._aligned[at] = Aligned(
                self._old.side.order(old.key, hostname) if old else None,
                self._new.side.order(new.key, hostname) if new else None,
            )
        return self._aligned[at]

    def _report(self, one: HostClass, cell: Cell, found: Found) -> None:
        old = _outcome(found.old, cell[0], self._old)
        new = _outcome(found.new, cell[1], self._new)
        if isinstance(found.witness, Undecided):
            self._gathered.undecided(old, new, str(found.witness))
        elif self._confirmed(one.host, cell, found):
            self._gathered.change(self._asked(one.host, found.witness), old, new)
        else:
            self._gathered.undecided(old, new, "the tables that serve see the request that was built otherwise")

    def _confirmed(self, host: bytes, cell: Cell, found: Found) -> bool:
        assert isinstance(found.witness, Witness)
        claims = zip(self._tables, cell, (found.old, found.new), strict=True)
        return all(tables.answers(listener, host, found.witness, item) for tables, listener, item in claims)

    def _asked(self, host: bytes, witness: Witness) -> Asked:
        socket = self._new.socket
        return Asked(socket.secure, socket.address, self._new.declared, host, host, witness)

    # --- listeners ----------------------------------------------------------------------------

    def _compare_listeners(self, cells: Iterable[tuple[bytes, Cell]]) -> None:
        """How clients are checked is part of every answer; which certificate is shown is not."""
        for host, (old, new) in cells:
            if old is None or new is None:
                continue
            before, after = client_check(old), client_check(new)
            if before != after:
                asked = self._asked(host, PLAIN)
                self._gathered.change(
                    asked,
                    Outcome("listener", listener=old.key, clients=before),
                    Outcome("listener", listener=new.key, clients=after),
                )
            if old.certificates != new.certificates:
                self._gathered.note(new.key, "other certificates")


PLAIN = Witness(b"/", b"GET", {})


def _outcome(item: Item | None, listener: Listener | None, port: Port) -> Outcome:
    key = listener.key if listener is not None else ""
    if item is not None:
        return Outcome("rule", item.effect, item.rule, item.match_index, key)
    return Outcome("closed" if port.nothing(listener) == CLOSED else "not found", listener=key)


def _cell_key(cell: Cell) -> tuple[str, str]:
    return cell[0].key if cell[0] else "", cell[1].key if cell[1] else ""


def _upstreams_stayed(old: Port, new: Port) -> bool:
    """Then equal rules have equal effects."""
    one, other = old.side.snapshot, new.side.snapshot
    shown = [{listener.key: bool(listener.client_certificate) for listener in port.listeners} for port in (old, new)]
    return (
        one.upstreams == other.upstreams
        and one.upstream_tls.keys() == other.upstream_tls.keys()
        and (shown[0] == shown[1])
    )
