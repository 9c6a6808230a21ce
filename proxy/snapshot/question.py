"""A request in a user's words, made into what the gateway would receive.

The words become the head of an HTTP/1.1 request, which goes through the parser and the forwarding rules
that serve. So an explanation sees the request as routing sees it, and hears of it when it is refused.
"""

from ipaddress import ip_address
from typing import Final, NamedTuple

from proxy.protocol.forwarding import ForwardingRules
from proxy.protocol.http1.request_head import parse_request
from proxy.protocol.limits import Limits
from proxy.protocol.message import Request

WELL_KNOWN: Final = {"http": 80, "https": 443}
CLIENT: Final = "127.0.0.1"
"""Where a request is taken to come from that names no other client."""
PSEUDONYM: Final = "penstock-*"
"""Stands for the name in Via, which each gateway makes up when it starts."""
REQUEST_ID: Final = b"0" * 32
"""Stands for the id that is made for each request which brings none."""


class BadQuestion(ValueError):
    """The request cannot be asked about; the text says why."""


class Asked(NamedTuple):
    """What curl would be told. There is no body."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    """In order; a Host takes the place of the URL's."""
    client: str = CLIENT
    """The address that the connection comes from."""
    server_name: str | None = None
    """What TLS is told (SNI), "" for nothing; None for the host of the URL."""
    address: str = ""
    """Which of the gateway's addresses is connected to; "" for any."""

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

    def on_port(self, scheme: str, port: int) -> str:
        """The same URL on another port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        at = host if WELL_KNOWN[scheme] == port else f"{host}:{port}"
        return f"{scheme}://{at}{_split(self.url)[2]}"


class Received(NamedTuple):
    """What arrives, after the forwarding fields were put on."""

    request: Request
    client: str
    """The client's address as the gateway decides it."""


def as_received(asked: Asked, port: int) -> Request:
    """The request as routing sees it, on a declared port. Raises ProxyError when the gateway refuses it."""
    return receive(asked, port).request


def receive(asked: Asked, port: int, trusted_proxies: tuple[str, ...] = ()) -> Received:
    """The same, and who the client is. `trusted_proxies`: CIDRs. Raises ProxyError and BadQuestion."""
    request = parse_request(head(asked), Limits())
    rules = ForwardingRules(trusted_proxies, PSEUDONYM.encode())
    brought = {value for name, value in request.hops if name == b"x-request-id"}
    client, request_id = rules.sign(request, rules.client(ip_of(asked.client), asked.scheme, port))
    if request_id not in brought:
        made = (b"x-request-id", request_id)
        request.headers = [(b"x-request-id", REQUEST_ID) if field == made else field for field in request.headers]
    return Received(request, client)


def ip_of(text: str) -> str:
    """Checks an address that was asked about. Raises BadQuestion."""
    try:
        return str(ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise BadQuestion(f"{text!r} is not an IP address, such as 192.0.2.7 or 2001:db8::7") from None


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
