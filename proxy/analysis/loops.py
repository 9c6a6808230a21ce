"""Redirects to the very URL that was asked for: a client that follows them comes back for ever."""

from collections.abc import Iterator
from typing import NamedTuple

from proxy.analysis.box import EVERYTHING, Box, box_of, common
from proxy.analysis.effect import NOT_FOUND, Effect
from proxy.analysis.hosts import host_classes
from proxy.analysis.location import location_of
from proxy.analysis.order import Order
from proxy.analysis.witness import Undecided, Witness, find_witness
from proxy.routing.listeners import PortTable
from proxy.snapshot.question import WELL_KNOWN
from proxy.snapshot.route import Entry, HostBucket, Redirect, RouteMatch, Rule
from proxy.snapshot.snapshot import Listener, Snapshot

_FOLLOWED = (b"", b"GET", b"HEAD")
"""Methods that a client keeps when it follows; others it may change."""


class Loop(NamedTuple):
    """A rule that answers a request with a redirect to itself."""

    rule: Rule
    url: str


def loops(snapshot: Snapshot) -> Iterator[Loop]:
    """At most one for each rule. Only what is certain: nothing but the URL may decide that the rule answers."""
    told: set[tuple[str, int]] = set()
    for (key, _), bucket in snapshot.buckets.items():
        listener = snapshot.listeners[key]
        entries = [entry for entry in bucket.entries if _may_return(listener, bucket.rules[entry.rule], entry)]
        for loop in _Bucket(snapshot, listener, bucket).loops(entries) if entries else ():
            if (loop.rule.route, loop.rule.index) not in told:
                told.add((loop.rule.route, loop.rule.index))
                yield loop


def _may_return(listener: Listener, rule: Rule, entry: Entry) -> bool:
    """At a glance: to the same scheme, at the request of any client that follows."""
    redirect = next((one for one in rule.filters if isinstance(one, Redirect)), None) if rule.filters else None
    asks = entry.match.headers or entry.match.method not in _FOLLOWED
    return redirect is not None and redirect.scheme in (None, _scheme(listener)) and not asks


def _scheme(listener: Listener) -> str:
    return "https" if listener.protocol == "HTTPS" else "http"


class _Bucket:
    """What one listener serves under one hostname."""

    def __init__(self, snapshot: Snapshot, listener: Listener, bucket: HostBucket) -> None:
        self._listener = listener
        self._rules = bucket.rules
        self._order = Order(bucket, _nothing)
        self._positions: dict[RouteMatch, int] = {item.match: at for at, item in enumerate(self._order.items)}
        self._host = _host(snapshot, listener, bucket.hostname)

    def loops(self, entries: list[Entry]) -> Iterator[Loop]:
        for entry in entries if self._host else ():
            rule = self._rules[entry.rule]
            if self._order.items[self._positions[entry.match]].rule is rule:
                yield from (Loop(rule, url) for url in self._urls(rule, entry.match))

    def _urls(self, rule: Rule, match: RouteMatch) -> Iterator[str]:
        for box in _boxes(rule, match):
            witness = self._witness(box, self._positions[match])
            if witness is None:
                continue
            url = self._url(witness)
            scheme, port = _scheme(self._listener), self._listener.port
            if location_of(rule.filters, scheme, port, self._host, witness).partition(b"?")[0] == url:
                yield url.decode("utf-8", "backslashreplace")

    def _witness(self, box: Box, position: int) -> Witness | None:
        before = (self._order.items[at].box for at in self._order.meeting(box) if at < position)
        try:
            return find_witness(box, before)
        except Undecided:
            return None

    def _url(self, witness: Witness) -> bytes:
        """As a Location is written, without the query, which a redirect keeps."""
        scheme = _scheme(self._listener)
        port = b"" if WELL_KNOWN[scheme] == self._listener.port else b":%d" % self._listener.port
        return b"%s://%s%s%s" % (scheme.encode(), self._host, port, witness.path)


def _nothing(rule: Rule) -> Effect:
    """What rules do does not matter here."""
    del rule
    return NOT_FOUND


def _boxes(rule: Rule, match: RouteMatch) -> Iterator[Box]:
    """What a match takes; and of it the one path that a ReplaceFullPath leads to."""
    box = box_of(match)
    for one in rule.filters:
        if isinstance(one, Redirect) and one.path is not None and one.path.kind == "full":
            there = common(box, EVERYTHING._replace(exact=one.path.value))
            if there is not None:
                yield there
    yield box


def _host(snapshot: Snapshot, listener: Listener, hostname: bytes) -> bytes:
    """A host that this listener serves under this hostname and no other; b"" when there is none."""
    binds = [bind for bind in snapshot.binds if listener.key in bind.listeners]
    ports = [[snapshot.listeners[key] for key in bind.listeners] for bind in binds]
    names = {one.hostname for port in ports for one in port}
    names |= {name for key, name in snapshot.buckets if key == listener.key}
    host = next(one.host for one in host_classes(names) if one.hostname == hostname)
    tables = [PortTable([(one.hostname, one) for one in port]) for port in ports]
    return host if all(table.choose(host) is listener for table in tables) else b""
