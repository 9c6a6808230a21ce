"""The PROXY protocol in a cluster: an annotation of a Service is followed, and an API server keeps our field."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.cluster.backend import PORT, objects_in
from tests.cluster.inside import Inside, inside
from tests.cluster.site import API, address_of, gateway, route
from tests.conformance.client import Object, wait_until
from tests.conformance.place import NODE_IP
from tests.conformance.session import Cluster

OUR_PORT = 9000
TCP = {"name": "tcp", "protocol": "TCP", "port": OUR_PORT}
ANNOTATION = "penstock.dev/proxy-protocol"


@pytest.fixture
def where(shared: Cluster) -> Iterator[Inside]:
    """With a server that sends the first line back that it gets."""
    with inside(shared.place) as found:
        server = found.run(_serve())
        yield found
        found.run(_close(server))


async def _serve() -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    return await asyncio.start_server(answer, NODE_IP, PORT)


async def _close(server: asyncio.Server) -> None:
    server.close()


async def says_hello(address: str) -> bytes:
    """What a TCP route answers; b"" where it refuses."""
    try:
        reader, writer = await asyncio.open_connection(address, OUR_PORT)
        writer.write(b"hello\n")
        got = await reader.read()
        writer.close()
    except OSError:
        return b""
    return got


def tcp_route(namespace: str) -> Object:
    spec = {"parentRefs": [{"name": "web", "sectionName": "tcp"}],
            "rules": [{"backendRefs": [{"name": "mirror", "port": 80}]}]}  # fmt: skip
    return {"apiVersion": API, "kind": "TCPRoute", "metadata": {"name": "r", "namespace": namespace}, "spec": spec}


def resolved(item: Object) -> tuple[str, str]:
    parents = (item.get("status") or {}).get("parents") or [{"conditions": []}]
    found = [each for each in parents[0]["conditions"] if each["type"] == "ResolvedRefs"]
    return (found[0]["status"], found[0]["reason"]) if found else ("", "")


def test_an_annotation_is_followed_as_it_changes(shared: Cluster, namespace: str, where: Inside) -> None:
    client, web = shared.client, gateway(namespace, "web", TCP)
    passed, asked = tcp_route(namespace), route(namespace, "requests")
    at = f"/api/v1/namespaces/{namespace}/services/mirror"

    def annotate(value: str | None) -> None:
        client.patch(at, {"metadata": {"annotations": {ANNOTATION: value}}})

    def heard(first: bytes) -> None:
        wait_until(f"{first!r} comes first", lambda: where.run(says_hello(address)).startswith(first), 60)

    with shared.penstock():
        client.apply(objects_in(namespace))
        for item in (web, passed, asked):
            client.apply_object(item)
        address = address_of(shared, web)
        heard(b"hello\n")
        annotate("v1")
        heard(b"PROXY TCP4 ")
        assert b" %b " % address.encode() in where.run(says_hello(address))
        unsupported = ("False", "UnsupportedProtocol")
        client.wait_for(client.path_of(asked), lambda now: resolved(now) == unsupported, 60)
        annotate("v3")
        client.wait_for(client.path_of(passed), lambda now: resolved(now) == unsupported, 60)
        wait_until("nothing is sent", lambda: where.run(says_hello(address)) == b"", 60)
        annotate(None)
        heard(b"hello\n")
        client.wait_for(client.path_of(asked), lambda now: resolved(now) == ("True", "ResolvedRefs"), 60)


def test_a_gateway_asks_by_parameters_that_an_api_server_has_kept(
    shared: Cluster, namespace: str, where: Inside
) -> None:
    client = shared.client
    ref = {"group": "penstock.dev", "kind": "GatewayParameters", "name": "asked"}
    web = gateway(namespace, "web", TCP, infrastructure={"parametersRef": ref})
    with shared.penstock("--trusted-proxies", "0.0.0.0/0"):
        [of_class] = client.get("/apis/penstock.dev/v1alpha1/gatewayparameters")["items"]  # type: ignore[index]
        metadata = {"name": "asked", "namespace": namespace}
        spec = {**of_class["spec"], "proxyProtocol": {}}
        client.apply_object({**of_class, "metadata": metadata, "spec": spec})
        client.apply(objects_in(namespace))
        for item in (web, tcp_route(namespace)):
            client.apply_object(item)
        address = address_of(shared, web)

        async def named() -> bytes:
            reader, writer = await asyncio.open_connection(address, OUR_PORT)
            writer.write(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nhello\n")
            got = await reader.read()
            writer.close()
            return got

        wait_until("a header is taken", lambda: where.run(named()) == b"hello\n", 60)
        assert where.run(says_hello(address)) == b""
