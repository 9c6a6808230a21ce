"""penstock run with a pool of loopback addresses: each Gateway has its own, and statuses say what could not be had."""

from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.running import PATIENCE, Gateway, document, free_port, running, until

POOL = "127.0.0.10-127.0.0.19"
API = "gateway.networking.k8s.io/v1"


class Site:
    """A file of Gateways that listen on one port, each with a route of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.file = folder / "gateways.yaml"

    def write(self, **gateways: list[str]) -> None:
        """Name to the addresses asked for; an empty text is one without a value."""
        ref = {"group": "penstock.dev", "kind": "GatewayParameters", "namespace": "default", "name": "pool"}
        documents = [
            document(API, "GatewayClass", "penstock",
                     {"controllerName": "penstock.dev/gateway-controller", "parametersRef": ref}),
            document("penstock.dev/v1alpha1", "GatewayParameters", "pool", {"addresses": {"pool": [POOL]}}),
        ]  # fmt: skip
        for name, addresses in gateways.items():
            documents += [self.gateway(name, addresses), self.route(name)]
        new = self.file.with_suffix(".new")
        new.write_text("".join(documents))
        new.rename(self.file)

    def gateway(self, name: str, addresses: list[str]) -> str:
        listeners = [{"name": "http", "protocol": "HTTP", "port": self.port}]
        wanted = [{"value": address} if address else {"type": "IPAddress"} for address in addresses]
        spec = {"gatewayClassName": "penstock", "listeners": listeners, "addresses": wanted}
        return document(API, "Gateway", name, spec)

    def route(self, name: str) -> str:
        """Each redirects to its own name, so that an answer tells who gave it."""
        redirect = {"type": "RequestRedirect", "requestRedirect": {"hostname": f"{name}.example"}}
        return document(API, "HTTPRoute", name, {"parentRefs": [{"name": name}], "rules": [{"filters": [redirect]}]})

    def answers(self, address: str) -> str:
        connection = HTTPConnection(address, self.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/")
            return str(connection.getresponse().getheader("Location")).partition("//")[2].partition(".")[0]
        finally:
            connection.close()


def seen(gateway: Gateway, name: str) -> tuple[list[str], str, str]:
    """status.addresses, and the reasons of Accepted and Programmed."""
    status: dict[str, Any] = next(
        each["status"] for each in gateway.json("/api/v1/status")
        if each["kind"] == "Gateway" and each["name"] == name
    )  # fmt: skip
    reasons = {each["type"]: each["reason"] for each in status["conditions"]}
    return [each["value"] for each in status["addresses"]], reasons["Accepted"], reasons["Programmed"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_gateways_of_one_port_answer_on_addresses_of_their_own(site: Site) -> None:
    site.write(shop=[], desk=["127.0.0.15"])
    with running(site.file) as gateway:
        assert (site.answers("127.0.0.10"), site.answers("127.0.0.15")) == ("shop", "desk")
        site.write(before=[], shop=[], desk=["127.0.0.15"])
        until(lambda: gateway.generation() == 2, "the Gateway that came is served")
        assert [site.answers(f"127.0.0.{last}") for last in (10, 11, 15)] == ["shop", "before", "desk"]
        assert seen(gateway, "before") == (["127.0.0.11"], "Accepted", "Programmed")


def test_an_address_of_another_machine_is_told_and_the_usable_one_serves(site: Site) -> None:
    site.write(web=["192.0.2.1", "127.0.0.15"])
    with running(site.file) as gateway:
        assert seen(gateway, "web") == (["127.0.0.15"], "Accepted", "AddressNotUsable")
        assert site.answers("127.0.0.15") == "web"
        site.write(web=["127.0.0.15"])
        until(lambda: seen(gateway, "web")[2] == "Programmed", "only the usable address is left")
        assert seen(gateway, "web") == (["127.0.0.15"], "Accepted", "Programmed")
        assert site.answers("127.0.0.15") == "web"
