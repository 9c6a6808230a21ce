"""Session persistence: which endpoint a request belongs to, by the token that it shows (GEP-1619).

A token is `scope seat`, or `scope seat time seal` where sessions have an absolute timeout, in base64url without
separators. Scope: the rule. Seat: the endpoint, which only we can name. Time: milliseconds since the epoch when the
session began. Seal: a keyed digest of all before it. Rules may use one cookie, so a value is a list of tokens,
separated by dots, of which each rule reads and replaces its own and hands back the others.

What is not a token of ours is no error: the request is treated as one without. The worst that a made-up token can do is
to choose among endpoints that the rule may be sent to anyway.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from hmac import compare_digest
from math import ceil

from proxy.protocol.cookies import cookie_values
from proxy.protocol.message import Headers, Response
from proxy.snapshot.session import Seat, Session
from proxy.upstream.endpoint import EndpointPool
from proxy.upstream.live import LiveUpstream

_TOKEN = re.compile(rb"[A-Za-z0-9_-]{24}(?:[A-Za-z0-9_-]{24})?")
_SCOPE = 8
_SEAT = 24
_TIME = 32
_SEALED = 48
"""Where each part of a token ends."""
_SEAL_OCTETS = 12
MAX_TOKENS = 8
"""In one value: those of other rules beyond it are forgotten, the oldest first."""
_LONGEST = MAX_TOKENS * (_SEALED + 1)


class Sessions:
    """The sessions of one rule on one listener."""

    __slots__ = ("_members", "_scopes", "_spec", "_tail", "_upstreams")

    def __init__(self, spec: Session, upstreams: Sequence[LiveUpstream[EndpointPool] | None]) -> None:
        """`upstreams`: of the rule's backends, in their order; None for those that lead nowhere."""
        self._spec = spec
        self._upstreams = upstreams
        self._scopes = tuple(_scopes(spec.scope, upstreams))
        self._members: dict[bytes, list[int]] = {}
        """Scope to the backends that have it: all, unless an upstream is there several times, each with its filters."""
        for index, scope in enumerate(self._scopes):
            self._members.setdefault(scope, []).append(index)
        self._tail = _attributes(spec)

    def read(self, headers: Headers, now: float) -> "Place":
        """`now`: seconds since the epoch. Of several tokens of this rule the first that holds counts."""
        place = Place(self)
        for value in self._values(headers):
            if len(value) > _LONGEST:
                place.result = "invalid"
                continue
            for token in value.split(b"."):
                members = self._members.get(token[:_SCOPE])
                if members is not None:
                    if place.index < 0:
                        self._seat(place, token, members, now)
                elif _TOKEN.fullmatch(token):
                    place.others.append(token)
                else:
                    place.result = "invalid"
        return place

    def _values(self, headers: Headers) -> Iterable[bytes]:
        name = self._spec.name
        if self._spec.kind == "cookie":
            return cookie_values(headers, name)
        return (value for field, value in headers if field == name)

    def _seat(self, place: "Place", token: bytes, members: list[int], now: float) -> None:
        for index in members:
            upstream = self._upstreams[index]
            pool = upstream.seated.get(token[_SCOPE:_SEAT]) if upstream is not None else None
            if upstream is not None and pool is not None:
                place.result = self._verdict(token, upstream.seats[pool], now)
                if place.result == "kept":
                    place.index, place.seat = index, token[_SCOPE:_SEAT]
                return
        place.result = "moved"

    def _verdict(self, token: bytes, seat: Seat, now: float) -> str:
        if not self._spec.timeout:
            return "kept" if len(token) in (_SEAT, _SEALED) else "invalid"
        time = token[_SEAT:_TIME]
        if not compare_digest(token[_TIME:], _seal(token[:_TIME], seat)):
            return "invalid"
        began = int.from_bytes(urlsafe_b64decode(time), "big") / 1000
        return "kept" if now < began + self._spec.timeout else "expired"

    # --- the answer --------------------------------------------------------------------------

    def token(self, index: int, seat: Seat, now: float) -> bytes:
        """For a session that begins now, at an endpoint of the backend of this index."""
        token = self._scopes[index] + seat.name
        if self._spec.timeout:
            token += urlsafe_b64encode(int(now * 1000).to_bytes(6, "big"))
            token += _seal(token, seat)
        return token

    def write(self, response: Response, value: bytes, secure: bool) -> None:
        """Tell the client what to show from now on. `secure`: it came over TLS."""
        name = self._spec.name
        if self._spec.kind == "cookie":
            cookie = b"%b=%b%b%b" % (name, value, self._tail, b"; Secure" if secure else b"")
            response.headers.append((b"set-cookie", cookie))
        else:
            response.headers = [field for field in response.headers if field[0] != name]
            response.headers.append((name, value))


class Place:
    """The place of one exchange in the sessions of its rule."""

    __slots__ = ("_sessions", "index", "others", "result", "seat")

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self.index = -1
        """Of the backend that the request belongs to; -1 for none."""
        self.seat = b""
        self.result = "new"
        self.others: list[bytes] = []
        """Tokens of other rules in the same cookie."""

    def pick(self, upstream: LiveUpstream[EndpointPool], tried: Iterable[EndpointPool]) -> EndpointPool | None:
        """The request's own endpoint while it is there and was not `tried`, else any."""
        pool = upstream.seated.get(self.seat) if self.seat else None
        return pool if pool is not None and pool not in tried else upstream.pick(tried)

    def value_for(
        self, index: int, upstream: LiveUpstream[EndpointPool], pool: EndpointPool, now: float
    ) -> bytes | None:
        """What the client is to show from now on, as `pool` has answered; None when that is what it has shown."""
        seat = upstream.seats.get(pool)
        if seat is None:  # a snapshot without it, or without sessions, came meanwhile
            return None
        if index == self.index and seat.name == self.seat:
            upstream.persisted("kept")
            return None
        upstream.persisted("moved" if self.seat else self.result)
        others = list(dict.fromkeys(self.others))[: MAX_TOKENS - 1]
        return b".".join([self._sessions.token(index, seat, now), *others])


def _scopes(scope: bytes, upstreams: Sequence[LiveUpstream[EndpointPool] | None]) -> Iterator[bytes]:
    """The rule's, but for an upstream that is there again: its sessions stay with their own backendRef."""
    seen: dict[LiveUpstream[EndpointPool] | None, int] = {}
    for upstream in upstreams:
        times = seen[upstream] = seen.get(upstream, -1) + 1
        yield scope if not times else urlsafe_b64encode(blake2b(scope, digest_size=6, salt=b"%d" % times).digest())


def _seal(token: bytes, seat: Seat) -> bytes:
    digest = blake2b(token, key=seat.key, digest_size=_SEAL_OCTETS, person=b"penstock seal").digest()
    return urlsafe_b64encode(digest)


def _attributes(spec: Session) -> bytes:
    """Of its cookie: no script needs it, and no other site's request (GEP-1619, "Secure, HttpOnly, SameSite")."""
    tail = b"; Path=%b; HttpOnly; SameSite=Strict" % spec.path
    return tail + b"; Max-Age=%d" % ceil(spec.timeout) if spec.permanent else tail
