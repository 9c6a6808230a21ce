"""Gateways that share ports and hostnames, each at an address of its own: nobody is answered by another's routes.

From YAML to the wire, in a gateway as a user runs it: HTTP and HTTPS, and addresses that move while it runs.
"""

import json
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection, RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import Pair, client_context, pair
from tests.runtime.running import HOST, PATIENCE, Gateway, document, free_port, running, until

API = "gateway.networking.k8s.io/v1"
SHOP = "shop.example"
INNER, OUTER, OTHER = "127.0.0.2", "127.0.0.3", "127.0.0.4"
ADDRESSES = {"inner": INNER, "outer": OUTER, "main": HOST}
CERTIFICATES = {"inner": pair(SHOP, number=1), "outer": pair(SHOP, number=2), "main": pair(SHOP, number=3)}


class Site:
    """Gateways on the same two ports, for the same host; each has a route of its own, and a certificate."""

    def __init__(self, folder: Path) -> None:
        self.http, self.https = free_port(), free_port()
        self.file = folder / "gateways.yaml"

    def write(self, *, checked: str = "", **addresses: str) -> None:
        """Name of each Gateway to its address; HOST is that of --address. `checked`: who checks clients, if any."""
        new = self.file.with_suffix(".new")
        authority = plain("ConfigMap", "ca", "data", {"ca.crt": CERTIFICATES["main"].chain})
        declared = (self.declared(name, address, checked == name) for name, address in addresses.items())
        new.write_text(authority + "".join(declared))
        new.rename(self.file)

    def move(self, gateway: Gateway, *, checked: str = "", **addresses: str) -> None:
        """Write, and wait until it is served."""
        before, text = gateway.generation(), self.file.read_text()
        self.write(checked=checked, **addresses)
        if self.file.read_text() != text:
            until(lambda: gateway.generation() > before, "the move is served")

    def declared(self, name: str, address: str, checks: bool) -> str:
        certificate = {"certificateRefs": [{"name": name}]}
        listeners = [
            {"name": "http", "protocol": "HTTP", "port": self.http, "hostname": SHOP},
            {"name": "https", "protocol": "HTTPS", "port": self.https, "hostname": SHOP, "tls": certificate},
        ]
        spec: dict[str, Any] = {"gatewayClassName": "penstock", "listeners": listeners}
        if address != HOST:  # --address is for those that name none
            spec["addresses"] = [{"value": address}]
        if checks:
            ref = {"group": "", "kind": "ConfigMap", "name": "ca"}
            spec["tls"] = {"frontend": {"default": {"validation": {"caCertificateRefs": [ref]}}}}
        return document(API, "Gateway", name, spec) + self.route(name) + secret(name, CERTIFICATES[name])

    def route(self, name: str) -> str:
        """Every path is redirected to a host that names the Gateway, and /NAME is a path that only it has."""
        everywhere = [{"path": {"type": "Exact", "value": path}} for path in ("/", f"/{name}")]
        redirect = {"type": "RequestRedirect", "requestRedirect": {"hostname": f"{name}.example"}}
        rules = [{"matches": everywhere, "filters": [redirect]}]
        return document(API, "HTTPRoute", name, {"parentRefs": [{"name": name}], "hostnames": [SHOP], "rules": rules})

    def ask(self, address: str, path: str = "/") -> str:
        with self.clear(address) as connection:
            return answer(connection, path)

    @contextmanager
    def clear(self, address: str) -> Iterator[HTTPConnection]:
        yield from closing(HTTPConnection(address, self.http, timeout=PATIENCE))

    @contextmanager
    def secure(self, address: str, *trusted: str) -> Iterator[HTTPConnection]:
        """For the host of all, believing the certificates of these Gateways."""
        context = client_context(*(CERTIFICATES[name] for name in trusted))
        yield from closing(ToAddress(address, self.https, context))


class ToAddress(HTTPSConnection):
    """A connection to an address by the server name of the shop."""

    def __init__(self, address: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(SHOP, port, timeout=PATIENCE, context=context)
        self._address = address
        connect = self._create_connection  # type: ignore[has-type]  # the standard library's seam for tests and proxies
        self._create_connection = lambda _, *others: connect((address, port), *others)


def closing(connection: HTTPConnection) -> Iterator[HTTPConnection]:
    try:
        yield connection
    finally:
        connection.close()


def secret(name: str, pair: Pair) -> str:
    return plain("Secret", name, "stringData", {"tls.crt": pair.chain, "tls.key": pair.key})


def plain(kind: str, name: str, field: str, data: dict[str, bytes]) -> str:
    """A kind without a spec."""
    values = {key: value.decode() for key, value in data.items()}
    return "---\n" + json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, field: values}) + "\n"


def answer(connection: HTTPConnection, path: str = "/") -> str:
    """Name of the Gateway that answered, or the status of an answer that is nobody's."""
    connection.request("GET", path, headers={"Host": SHOP})
    response = connection.getresponse()
    response.read()
    location = response.getheader("Location")
    return location.partition("//")[2].partition(".")[0] if location else str(response.status)


def refused(site: Site, address: str) -> bool:
    try:
        site.ask(address)
    except ConnectionRefusedError:
        return True
    return False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = Site(tmp_path_factory.mktemp("shared-ports"))
    made.write(**ADDRESSES)
    return made


@pytest.fixture(scope="module")
def running_gateway(site: Site) -> Iterator[Gateway]:
    with running(site.file) as gateway:
        yield gateway


@pytest.fixture
def served(site: Site, running_gateway: Gateway) -> Iterator[Gateway]:
    """Each test begins and leaves with every Gateway where ADDRESSES has it."""
    yield running_gateway
    site.move(running_gateway, **ADDRESSES)


def test_each_address_has_its_own_gateways_routes_alone(site: Site, served: Gateway) -> None:
    for name, address in ADDRESSES.items():
        assert site.ask(address) == name
        paths = {path: site.ask(address, f"/{path}") for path in ADDRESSES}
        assert paths == {path: name if path == name else "404" for path in ADDRESSES}


def test_each_address_shows_its_own_gateways_certificate(site: Site, served: Gateway) -> None:
    for name, address in ADDRESSES.items():
        with site.secure(address, name) as connection:
            assert answer(connection) == name
        others = [other for other in ADDRESSES if other != name]
        with site.secure(address, *others) as connection, pytest.raises(ssl.SSLCertVerificationError):
            answer(connection)


def test_requests_are_counted_under_the_gateway_that_answered(site: Site, served: Gateway) -> None:
    def counted() -> Counter[str]:
        """The first label is the Gateway."""
        counts: Counter[str] = Counter()
        for labels, value in served.samples("penstock_http_requests_total").items():
            counts[labels[0]] += round(value)
        return counts

    before = counted()
    assert [site.ask(address) for address in (INNER, INNER, OUTER)] == ["inner", "inner", "outer"]
    wanted = {"default/inner": 2, "default/outer": 1}
    until(lambda: counted() - before == wanted, "three requests are counted")


def test_an_address_moves_while_the_others_stay(site: Site, served: Gateway) -> None:
    with site.clear(OUTER) as stays:
        assert answer(stays) == "outer"
        site.move(served, inner=OTHER, outer=OUTER, main=HOST)
        assert (site.ask(OTHER), answer(stays), site.ask(HOST)) == ("inner", "outer", "main")
        with site.secure(OTHER, "inner") as connection:
            assert answer(connection) == "inner"
        until(lambda: refused(site, INNER), "nobody listens where it was")


def test_addresses_change_hands_in_one_reload(site: Site, served: Gateway) -> None:
    site.move(served, inner=OUTER, outer=INNER, main=HOST)
    assert {address: site.ask(address) for address in (INNER, OUTER, HOST)} == {
        INNER: "outer",
        OUTER: "inner",
        HOST: "main",
    }
    for name, address in (("inner", OUTER), ("outer", INNER)):
        with site.secure(address, name) as connection:
            assert answer(connection) == name


def test_open_connections_go_with_the_address(site: Site, served: Gateway) -> None:
    """Each request is answered by who has the address when its head is complete, over TLS by the same server name."""
    with site.clear(INNER) as clear, site.secure(INNER, "inner") as secure:
        assert (answer(clear), answer(secure)) == ("inner", "inner")
        site.move(served, inner=OTHER, outer=INNER, main=HOST)
        assert (answer(clear), answer(secure)) == ("outer", "outer")


def test_an_open_connection_does_not_lead_around_the_checks_of_the_next_gateway(site: Site, served: Gateway) -> None:
    """Nobody asked its client for a certificate: it ends, and a new one is checked."""
    with site.secure(INNER, "inner") as secure:
        assert answer(secure) == "inner"
        site.move(served, checked="outer", inner=OTHER, outer=INNER, main=HOST)
        with pytest.raises(RemoteDisconnected):
            answer(secure)
    with site.secure(INNER, "outer") as secure, pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        answer(secure)
    assert site.ask(INNER) == "outer"
