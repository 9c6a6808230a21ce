"""Method and target of a request, as every HTTP version reads them (RFC 9110 sections 7.1 and 9)."""

import re

from proxy.errors import MalformedRequest, NotImplementedByUs, ProxyError
from proxy.protocol.fields import TOKEN
from proxy.protocol.uri import matched_path

METHODS = frozenset(
    b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK"
    b" BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE"
    b" MKCALENDAR LINK UNLINK SOURCE QUERY".split()
)
"""Every registered method that llhttp knows, too."""
ORIGIN_FORM = re.compile(rb"/[\x21-\x7e]*")
"""As llhttp has it; what of it is a path is for protocol.uri to say."""
_HASH, _QUESTION_MARK = b"#?"


def read_target(target: bytes) -> tuple[bytes, bytes, bytes | None]:
    """(forwarded path, matched path, query) of a target in origin-form, or `*`. Raises MalformedRequest."""
    if _HASH in target:
        raise MalformedRequest("bad_target", "a request target has no fragment")
    query = None
    if _QUESTION_MARK in target:
        target, _, query = target.partition(b"?")
    if target == b"*":
        return target, target, query
    raw_path, path = matched_path(target)
    return raw_path, path, query


def refused_method(method: bytes) -> ProxyError:
    """Why a method that is not among METHODS is refused."""
    if TOKEN.fullmatch(method):
        return NotImplementedByUs("unknown_method", "this method is not known here")
    return MalformedRequest("bad_method", "a method is a token")
