"""Session persistence of a rule: its own, else that of a policy on one of its backends (GEP-1619).

A rule has one session for all its backends. What the rule says overrides every policy; where it says nothing, the
first of its backends that has a policy with sessions decides for all of them, so that weights hold for new sessions
and no backend drains into another.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from proxy.protocol.names import FRAMING, HOPS, letters
from proxy.resources.duration import seconds
from proxy.resources.fields import TOKEN
from proxy.resources.httproute import HTTPRouteRule
from proxy.resources.session import SessionPersistence
from proxy.translate.graph.conditions import Finding, advice, unsupported_value

_TOKEN = re.compile(rf"{TOKEN}\Z")
_PATH = re.compile(r"/[!-:<-~]*\Z")
"""A path-value (RFC 6265 section 4.1.1) that browsers take: it begins with "/", and has no ";" and no blank."""
_TAKEN = frozenset(map(letters, (*FRAMING, *HOPS, b"host", b"cookie", b"set-cookie", b"content-type")))
"""Headers with a meaning of their own, or that never reach those who look for a token."""


class SessionNode(Struct, frozen=True):
    """What holds for a rule."""

    declared: SessionPersistence
    policy: str = ""
    """NAMESPACE/NAME of the XBackendTrafficPolicy that declares it; "" for the rule itself."""
    overruled: tuple[tuple[int, str], ...] = ()
    """Index of a backendRef and the policy of it that wants sessions otherwise."""


class Declared(NamedTuple):
    """What a policy on one backendRef says of sessions."""

    place: int
    policy: str
    session: SessionPersistence


def session_of(rule: HTTPRouteRule, declared: Sequence[Declared]) -> SessionNode | None:
    """`declared`: by the policies of the rule's backends, in the order of backendRefs."""
    if rule.session_persistence is not None:
        return SessionNode(rule.session_persistence)
    if not declared:
        return None
    first, *others = declared
    overruled = tuple((other.place, other.policy) for other in others if other.session != first.session)
    return SessionNode(first.session, first.policy, overruled)


def session_findings(field: str, node: SessionNode | None) -> Iterator[Finding]:
    """`field`: the rule."""
    if node is None:
        return
    if not node.policy:
        for fault in session_faults(node.declared):
            yield unsupported_value(f"{field}.sessionPersistence.{fault.field}", fault.message, fault.hint)
    for index, policy in node.overruled:
        message = f"sessions of the rule follow {node.policy}, not {policy} of this backend"
        yield advice(f"{field}.backendRefs[{index}]", message, "say sessionPersistence in the rule")


class Fault(NamedTuple):
    """Why a declaration of sessions cannot be followed."""

    field: str
    message: str
    hint: str


def session_faults(given: SessionPersistence) -> Iterator[Fault]:
    """What would come out as another field, another cookie or no session at all; and what CRD rules refuse."""
    yield from _name_faults(given)
    if given.cookie is not None and not _PATH.match(given.cookie.path):
        yield Fault("cookie.path", f"{given.cookie.path!r} is not a path of cookies", 'begin with "/", without ";"')
    if given.permanent and not seconds(given.absolute_timeout or "0s"):
        yield Fault(
            "absoluteTimeout", "a permanent cookie needs to end some time", "set it, or use lifetimeType Session"
        )
    if given.type == "Header" and (given.cookie is not None or given.cookie_config is not None):
        part = "cookie" if given.cookie is not None else "cookieConfig"
        yield Fault(part, "not possible with type Header", "remove it, or use type Cookie")
    if given.type == "Cookie" and given.header is not None:
        yield Fault("header", "not possible with type Cookie", "remove it, or use type Header")


def _name_faults(given: SessionPersistence) -> Iterator[Fault]:
    part = given.cookie if given.type == "Cookie" else given.header
    field = "sessionName" if part is None or part.name is None else f"{given.type.lower()}.name"
    if given.name is None:
        return
    if not _TOKEN.match(given.name):
        what = "letters, digits and !#$%&'*+-.^_`|~"
        yield Fault(field, f"{given.name!r} is not a name of a {given.type.lower()}", f"use {what}")
    elif given.type == "Header" and _is_taken(given.name):
        yield Fault(field, f"{given.name} has a meaning of its own", "use another header, such as x-session")


def _is_taken(header: str) -> bool:
    """By itself, or by what others take it for: such fields do not come through."""
    bare = letters(header.lower().encode())
    return bare in _TAKEN or bare.startswith(b"xforwarded")
