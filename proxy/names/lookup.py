"""One name, asked of DNS: A and AAAA at once, with the least TTL of all records that lead there.

dnspython does the wire: random source ports and identifiers, answers from elsewhere ignored, TCP where UDP was cut,
the servers of /etc/resolv.conf one after the other. That file is read anew for each lookup, as nothing else tells that
it has changed.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.resolver
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from msgspec.structs import replace

from proxy.names.answer import Answer, LookupFailed, NotFound
from proxy.names.hosts import LOOPBACK, from_hosts_file, is_localhost
from proxy.snapshot.names import NameKey

LIFETIME = 5.0
"""Seconds for all servers together."""
TRY = 1.0
"""Seconds for one server: the second is asked while requests that came first still wait."""
KNOWN_HERE = 60.0
"""Seconds: what the hosts file has is as good as that."""
FAMILIES = {4: "A", 6: "AAAA"}
Responses = Mapping[dns.name.Name, dns.message.QueryMessage]
Server = tuple[str, int]
"""IP address and port."""


def has_route(address: str) -> bool:
    """Whether this machine has a way there, as far as it knows itself. Sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
    except OSError:
        return False
    return True


class DnsLookup:
    """Implements Lookup."""

    def __init__(self, servers: Sequence[Server] = (), has_route: Callable[[str], bool] = has_route) -> None:
        """`servers`: to be asked in place of those of /etc/resolv.conf."""
        self._servers = servers
        self._has_route = has_route

    async def __call__(self, key: NameKey) -> Answer:
        if is_localhost(key.host):
            return Answer(LOOPBACK, KNOWN_HERE)
        if not key.external and (known := from_hosts_file(key.host)):
            return Answer(known, KNOWN_HERE)
        resolver = self._resolver()
        found = await asyncio.gather(*(_ask(resolver, key, kind) for kind in FAMILIES.values()), return_exceptions=True)
        return self._reachable(_together(key.host, dict(zip(FAMILIES, found, strict=True))))

    def _reachable(self, answer: Answer) -> Answer:
        """Without IPv6, say, no request should find that out. If there is no way to any of them, that is the error."""
        reachable = tuple(filter(self._has_route, answer.addresses))
        return replace(answer, addresses=reachable or answer.addresses)

    def _resolver(self) -> dns.asyncresolver.Resolver:
        try:
            resolver = dns.asyncresolver.Resolver(configure=not self._servers)
        except dns.resolver.NoResolverConfiguration as error:
            raise LookupFailed("dns_failure", str(error)) from None
        if self._servers:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address, port in self._servers]
        resolver.lifetime, resolver.timeout = LIFETIME, min(TRY, resolver.timeout)
        return resolver


async def _ask(resolver: dns.asyncresolver.Resolver, key: NameKey, kind: str) -> dns.resolver.Answer:
    """For a name that may lead astray no search list: `api.example.com` must not become a Service of that name."""
    name = dns.name.from_text(key.host, None if not key.external else dns.name.root)
    return await resolver.resolve(name, kind, raise_on_no_answer=False, search=not key.external)


def _together(host: str, found: dict[int, dns.resolver.Answer | BaseException]) -> Answer:
    """Addresses of the families that have some. Raises LookupFailed when there are none."""
    answers = {family: item for family, item in found.items() if isinstance(item, dns.resolver.Answer)}
    addresses = tuple(cast(A | AAAA, record).address for item in answers.values() for record in item.rrset or ())
    failed = {family: item for family, item in found.items() if isinstance(item, BaseException)}
    if addresses:
        ttl = min(item.chaining_result.minimum_ttl for item in answers.values() if item.rrset)
        unknown = {family for family, error in failed.items() if not isinstance(error, dns.resolver.NXDOMAIN)}
        return Answer(addresses, ttl, frozenset(unknown))
    for error in failed.values():
        if not isinstance(error, dns.resolver.NXDOMAIN):
            raise _failure(error)
    if failed:
        raise NotFound("name_not_found", f"{host} does not exist", min(map(_negative_ttl, failed.values())))
    ttl = min(item.chaining_result.minimum_ttl for item in answers.values())
    raise NotFound("no_address", f"{host} has no address", ttl)


def _failure(error: BaseException) -> LookupFailed:
    """Raises what is no failure of DNS."""
    if isinstance(error, dns.exception.Timeout):
        return LookupFailed("dns_timeout", str(error))
    if isinstance(error, dns.exception.DNSException | OSError):
        return LookupFailed("dns_failure", str(error))
    raise error


def _negative_ttl(error: BaseException) -> float:
    """RFC 2308 section 5: the lesser of the SOA record's TTL and its minimum."""
    responses: Responses = cast(Any, error).responses()  # untyped in dnspython
    return min((response.resolve_chaining().minimum_ttl for response in responses.values()), default=0)
