"""Entries asked one by one whether they take a request, the slow way and in words: what explanations are made of."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from proxy.routing.conditions import HEADER, QUERY, value_of
from proxy.routing.hit import Headers
from proxy.routing.hostname import covers
from proxy.routing.path import path_matches
from proxy.routing.precedence import Key, sort_key
from proxy.routing.regex import compile_pattern
from proxy.snapshot.route import Entry, HostBucket, RouteMatch, Rule, ValueMatch


class Question(NamedTuple):
    """A request as far as routing sees it; the fields are those of protocol.message.Request."""

    host: bytes
    path: bytes
    method: bytes
    headers: Headers
    query: bytes | None


class Place(NamedTuple):
    """One entry of one listener."""

    listener: str
    bucket: HostBucket
    entry: Entry

    @property
    def rule(self) -> Rule:
        return self.bucket.rules[self.entry.rule]

    @property
    def key(self) -> Key:
        return sort_key(self.bucket.hostname, self.entry, self.rule)

    @property
    def about(self) -> tuple[str, bytes, Rule, int, RouteMatch]:
        """The first fields of a Candidate and of a NearMiss."""
        entry = self.entry
        return self.listener, self.bucket.hostname, self.rule, entry.match_index, entry.match


def places(listener: str, buckets: Iterable[HostBucket], host: bytes) -> Iterator[Place]:
    """Every entry under a hostname that covers the host."""
    for bucket in buckets:
        if covers(bucket.hostname, host):
            for entry in bucket.entries:
                yield Place(listener, bucket, entry)


def first_failure(match: RouteMatch, question: Question) -> str:
    """path, method, header or query, the first that a match fails on; "" when it takes the request.

    Of the hostname it knows nothing: that is asked before.
    """
    if not path_matches(match, question.path):
        return "path"
    if match.method and match.method != question.method:
        return "method"
    if any(not holds(HEADER, asked, question) for asked in match.headers):
        return "header"
    if any(not holds(QUERY, asked, question) for asked in match.query):
        return "query"
    return ""


def failures(match: RouteMatch, question: Question) -> int:
    """How many of method, headers and query parameters are not as asked, whatever the path."""
    if not (match.method or match.headers or match.query):
        return 0
    method = bool(match.method) and match.method != question.method
    headers = sum(not holds(HEADER, asked, question) for asked in match.headers)
    return method + headers + sum(not holds(QUERY, asked, question) for asked in match.query)


def holds(kind: int, asked: ValueMatch, question: Question) -> bool:
    """Whether one header or query parameter (`kind` HEADER or QUERY) is there as asked."""
    value = found(kind, asked, question)
    if value is None:
        return False
    return bool(compile_pattern(asked.value)(value)) if asked.regex else value == asked.value


def found(kind: int, asked: ValueMatch, question: Question) -> bytes | None:
    """What the request has of it; None for nothing."""
    return value_of(kind, asked.name, question.method, question.headers, question.query)
