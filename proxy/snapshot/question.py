"""A request in a user's words, made into what the gateway would receive.

The words become the head of an HTTP/1.1 request, which goes through the parser and the forwarding rules
that serve. So an explanation sees the request as routing sees it, and hears of it when it is refused.
"""

from typing import NamedTuple

from proxy.protocol.forwarding import ForwardingRules
from proxy.protocol.http1.request_head import parse_request
from proxy.protocol.limits import Limits
from proxy.protocol.message import Request

WELL_KNOWN = {"http": 80, "https": 443}
CLIENT = "127.0.0.1"
"""Where the request is taken to come from; nobody trusts it to speak for others."""


class BadQuestion(ValueError):
    """The request cannot be asked about; the text says why."""


class Asked(NamedTuple):
    """What curl would be told."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    """In order; a Host takes the place of the URL's."""

    @property
    def scheme(self) -> str:
        return _split(self.url)[0]

    @property
    def host(self) -> str:
        """The host that the URL names; an IPv6 address without its brackets."""
        authority = _split(self.url)[1]
        return authority[1 : authority.find("]")] if authority.startswith("[") else authority.partition(":")[0]

    @property
    def port(self) -> int | None:
        """The port that the URL names."""
        authority = _split(self.url)[1]
        digits = authority[authority.rfind("]") + 1 :].partition(":")[2]
        if not digits:
            return None
        if not (digits.isascii() and digits.isdigit() and 0 < int(digits) < 65536):
            raise BadQuestion(f"{authority}: the port must be a number from 1 to 65535")
        return int(digits)


def as_received(asked: Asked, port: int) -> Request:
    """The request as routing sees it, on a declared port. Raises ProxyError when the gateway refuses it."""
    request = parse_request(head(asked), Limits())
    rules = ForwardingRules((), b"penstock")
    rules.sign(request, rules.client(CLIENT, asked.scheme, port))
    return request


def head(asked: Asked) -> bytes:
    """The head of the request on the wire. Raises BadQuestion."""
    _, authority, target = _split(asked.url)
    fields = [(name.strip(), value.strip()) for name, value in asked.headers]
    hosts = [value for name, value in fields if name.lower() == "host"]
    lines = [f"{asked.method} {_escaped(target)} HTTP/1.1", f"host: {hosts[-1] if hosts else authority}"]
    lines += [f"{name}: {value}" for name, value in fields if name.lower() != "host"]
    if any(mark in line for line in lines for mark in "\r\n"):
        raise BadQuestion("a method or header has no line break")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


def _split(url: str) -> tuple[str, str, str]:
    """(scheme, authority, target) of a URL; without a scheme it is http."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "http", url
    if scheme not in WELL_KNOWN:
        raise BadQuestion(f"{url}: the scheme must be http or https")
    rest = rest.partition("#")[0]
    end = min((at for at in map(rest.find, "/?") if at >= 0), default=len(rest))
    target = rest[end:]
    return scheme, rest[:end], target if target.startswith("/") else "/" + target


def _escaped(target: str) -> str:
    """As clients send it: spaces, controls and what is beyond ASCII percent-encoded as UTF-8."""
    octets = target.encode("utf-8", "surrogateescape")
    return "".join(f"%{octet:02X}" if octet <= 0x20 or octet >= 0x7F else chr(octet) for octet in octets)
