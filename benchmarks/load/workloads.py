"""What is asked of a proxy: the request that is repeated, and the routing table it must be found in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

_CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"

BROWSER_HEADERS = (
    ("User-Agent", _CHROME),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("Accept-Language", "en-GB,en;q=0.9,de;q=0.7"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Cookie", "sid=0f8fad5b-d9cb-469f-a165-70867728950e; theme=dark; _ga=GA1.2.1234567890.1700000000"),
    ("Referer", "https://bench.example.com/some/page?with=query"),
    ("Cache-Control", "max-age=0"),
    ("Sec-CH-UA", '"Chromium";v="141", "Not=A?Brand";v="8"'),
    ("Sec-CH-UA-Mobile", "?0"),
    ("Sec-Fetch-Dest", "document"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Site", "same-origin"),
)  # fmt: skip
"""What a browser sends beside Host."""

ACCEPT_ANY = (("Accept", "*/*"),)
"""With Host the "2 headers"."""
GRPC = (("content-type", "application/grpc"), ("te", "trailers"))
CLOSE = (*ACCEPT_ANY, ("Connection", "close"))

Relay = Literal["", "tcp", "tls"]
"""Connections that are passed on as they are: whatever comes to the port, or TLS by its server name. "" is HTTP."""
SERVER_NAME = "localhost"
"""That of TLS which is passed on: clients ask for it and find 127.0.0.1."""

DEFAULT_SIZES = (10, 1_000, 100_000)
ROUTE_HEADER = "X-Route"


@dataclass(frozen=True)
class Route:
    """One rule: this host and path prefix, and this value of `X-Route` unless it is empty."""

    host: str
    prefix: str
    header: str = ""


@dataclass(frozen=True)
class Table:
    """The routing table of one proxy. Shape "" is the one rule that takes everything."""

    shape: str = ""
    size: int = 1
    secure: bool = False
    """Served over TLS alone."""
    http2: bool = False
    """Clients speak HTTP/2, with prior knowledge."""
    grpc: bool = False
    """So does the backend: requests are passed on as calls of gRPC."""
    relay: Relay = ""
    """What comes is passed on as it is."""

    @property
    def host(self) -> str:
        """Whom clients connect to. Where a server name chooses they have to know one."""
        return SERVER_NAME if self.relay == "tls" else "127.0.0.1"

    def __iter__(self) -> Iterator[Route]:
        return SHAPES[self.shape](self.size)

    def by_host(self) -> dict[str, list[Route]]:
        hosts: dict[str, list[Route]] = {}
        for route in self:
            hosts.setdefault(route.host, []).append(route)
        return hosts

    @property
    def last(self) -> Route:
        *_, last = self
        return last


def _everything(size: int) -> Iterator[Route]:
    del size
    yield Route("", "/")


def _prefixes(size: int) -> Iterator[Route]:
    return (Route("one.example.com", f"/svc-{i:06d}") for i in range(size))


def _headers(size: int) -> Iterator[Route]:
    return (Route("one.example.com", "/", f"r{i:06d}") for i in range(size))


def _hosts(size: int) -> Iterator[Route]:
    return (Route(f"h{i // 10:06d}.example.com", f"/p{i % 10}") for i in range(size))


SHAPES = {"": _everything, "prefixes": _prefixes, "headers": _headers, "hosts": _hosts}


@dataclass(frozen=True)
class Workload:
    """One request, repeated over `connections` connections."""

    name: str
    title: str
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ACCEPT_ANY
    body: int = 0
    """Octets of a POST body; 0 is a GET."""
    connections: int = 64
    varied: bool = False
    """No two requests of a connection are alike: path, Cookie and Referer change with each."""
    shape: str = ""
    """A shape other than "" is measured at several table sizes; its last route is hit."""
    secure: bool = False
    """Over TLS."""
    http2: bool = False
    """By h2load, several requests in flight on each connection."""
    grpc: bool = False
    """To a backend of HTTP/2 that answers with trailers."""
    relay: Relay = ""
    """The proxy reads nothing of it; with "tls" it is the backend that ends TLS."""

    def request(self, table: Table) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        """(host, path, headers) of the request that hits the last route of `table`."""
        if not self.shape:
            return "bench.example.com", self.path, self.headers
        last = table.last
        path = last.prefix if last.prefix == "/" else f"{last.prefix}/x"
        extra = ((ROUTE_HEADER, last.header),) if last.header else ()
        return last.host, path, self.headers + extra


# fmt: off
WORKLOADS = (
    Workload("get", "GET 200 B, 2 headers"),
    Workload("get12", "GET 200 B, 12 browser headers and Host", headers=BROWSER_HEADERS),
    Workload("vary12", "GET 200 B, 12 browser headers, no two heads alike", "/vary", BROWSER_HEADERS, varied=True),
    Workload("get10k", "GET 10 KiB", path="/k10"),
    Workload("get1m", "GET 1 MiB", path="/m1", connections=16),
    Workload("post10k", "POST 10 KiB", body=10 * 1024),
    Workload("connect", "GET 200 B, new connection per request", headers=CLOSE),
    Workload("tls", "GET 200 B over TLS, connections kept", secure=True),
    Workload("tls-connect", "GET 200 B over TLS, new connection per request", headers=CLOSE, secure=True),
    Workload("h2", "GET 200 B over HTTP/2, 8 connections with 8 streams", connections=8, http2=True),
    Workload("grpc", "POST 105 B over HTTP/2 both ways, 8 connections with 8 streams", "/bench.Echo/Say", GRPC, 105, 8,
             http2=True, grpc=True),
    Workload("tcp", "GET 200 B through a relay of TCP, connections kept", relay="tcp"),
    Workload("tcp-1m", "GET 1 MiB through a relay of TCP", path="/m1", connections=16, relay="tcp"),
    Workload("tcp-new", "GET 200 B through a relay of TCP, new connection per request", "/close", CLOSE, relay="tcp"),
    Workload("passthrough", "GET 200 B, TLS passed on by server name, new connection per request", headers=CLOSE,
             secure=True, relay="tls"),
    Workload("prefixes", "R prefixes under one host, last one hit", shape="prefixes", connections=16),
    Workload("headers", "R header matches under one path, last one hit", shape="headers", connections=16),
    Workload("hosts", "R/10 hosts with 10 prefixes each, last one hit", shape="hosts", connections=16),
)
# fmt: on


def choose(names: Sequence[str]) -> list[Workload]:
    """The named workloads in the order above; ValueError names what there is."""
    known = [workload.name for workload in WORKLOADS]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"no workload {', '.join(unknown)}; there are {', '.join(known)}")
    return [workload for workload in WORKLOADS if workload.name in names]
