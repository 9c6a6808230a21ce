"""A cloud's load balancer in user space: Services of type LoadBalancer get an address, and what comes to it goes
to a ready endpoint: TCP connections, and UDP datagrams by the address they come from. It follows Services and
EndpointSlices, and gives addresses back."""

import asyncio
import logging
from collections.abc import Iterable
from typing import NamedTuple

from tests.conformance.node.addresses import Address, Pool
from tests.conformance.node.api import Api, Change, Object, RefusedError
from tests.conformance.node.forwarder import Endpoint, Forwarder
from tests.conformance.node.udp_forwarder import UdpForwarder
from tests.conformance.place import LOAD_BALANCER_ADDRESSES

log = logging.getLogger(__name__)

_SERVICES = "/api/v1/services"
_SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
_AGAIN = 1.0
"""Seconds before a Service that could not be served is tried again."""
FORWARDERS: dict[str, type[Forwarder] | type[UdpForwarder]] = {"TCP": Forwarder, "UDP": UdpForwarder}
_OWNER = "kubernetes.io/service-name"


class Balanced(NamedTuple):
    """A Service that has an address: a forwarder for each of its ports, by the port's number and protocol."""

    address: Address
    forwarders: dict[tuple[int, str], Forwarder | UdpForwarder]


class LoadBalancer:
    """Services and slices are known by uid, so that one made anew under an old name is another one."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._pool = Pool(Address(ip, number) for number, ip in enumerate(LOAD_BALANCER_ADDRESSES))
        self._services: dict[str, Object] = {}
        self._slices: dict[str, Object] = {}
        self._balanced: dict[str, Balanced] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follow both collections for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(_SERVICES, self._services))
            group.create_task(self._follow(_SLICES, self._slices))
            group.create_task(self._settle())

    async def _follow(self, path: str, known: dict[str, Object]) -> None:
        async for change in self._api.watch(path):
            remember(known, change)
            self._changed.set()

    async def _settle(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            wanted = {uid: service for uid, service in self._services.items() if wants_address(service)}
            for uid in set(self._balanced) - set(wanted):
                await self._release(uid)
            for uid, service in wanted.items():
                try:
                    await self._serve(uid, service)
                except (OSError, RefusedError) as error:
                    log.warning("Service %s: %s; trying again", _key(service), error)  # somebody may hold the port
                    asyncio.get_running_loop().call_later(_AGAIN, self._changed.set)

    async def _serve(self, uid: str, service: Object) -> None:
        """Listen on all ports of the Service, forward to what is ready now, and say so in its status."""
        if uid not in self._balanced:
            try:
                self._balanced[uid] = Balanced(self._pool.take(), {})
            except IndexError:
                log.error("no address is left for Service %s", _key(service))
                return
        address, forwarders = self._balanced[uid]
        ports = served_ports(service)
        for gone in set(forwarders) - set(ports):
            await forwarders.pop(gone).close()
        for at, port in ports.items():
            if at not in forwarders:
                forwarder = FORWARDERS[at[1]]()
                await forwarder.listen(address.ip, at[0])
                forwarders[at] = forwarder
            forwarders[at].endpoints = ready_endpoints(service, port.get("name", ""), self._slices.values())
        await self._report(service, address.ip)

    async def _report(self, service: Object, ip: str) -> None:
        ingress = [{"ip": ip, "ipMode": "Proxy"}]
        if service.get("status", {}).get("loadBalancer", {}).get("ingress") != ingress:
            metadata = service["metadata"]
            path = f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}"
            await self._api.patch_status(path, {"loadBalancer": {"ingress": ingress}})

    async def _release(self, uid: str) -> None:
        address, forwarders = self._balanced.pop(uid)
        for forwarder in forwarders.values():
            await forwarder.close()
        self._pool.give_back(address)

    async def close(self) -> None:
        for uid in list(self._balanced):
            await self._release(uid)


def remember(known: dict[str, Object], change: Change) -> None:
    """Bring `known` up to date."""
    if change.kind == "SYNC":
        known.clear()
    for found in change.objects:
        if change.kind == "DELETED":
            known.pop(found["metadata"]["uid"], None)
        else:
            known[found["metadata"]["uid"]] = found


def wants_address(service: Object) -> bool:
    return service["spec"].get("type") == "LoadBalancer" and not service["metadata"].get("deletionTimestamp")


def served_ports(service: Object) -> dict[tuple[int, str], Object]:
    """By number and protocol; of SCTP nothing is known here."""
    ports = {(port["port"], port.get("protocol", "TCP")): port for port in service["spec"].get("ports", [])}
    return {at: port for at, port in ports.items() if at[1] in FORWARDERS}


def ready_endpoints(service: Object, port: str, slices: Iterable[Object]) -> list[Endpoint]:
    """The endpoints of a Service's port, by the port's name, as its slices have them."""
    found = []
    for each in slices:
        metadata = each["metadata"]
        if (
            metadata["namespace"] == service["metadata"]["namespace"]
            and metadata.get("labels", {}).get(_OWNER) == service["metadata"]["name"]
        ):
            numbers = [entry["port"] for entry in each.get("ports") or [] if (entry.get("name") or "") == port]
            found += [
                Endpoint(address, number)
                for number in numbers
                for endpoint in each.get("endpoints") or []
                if endpoint.get("conditions", {}).get("ready") is not False
                for address in endpoint["addresses"]
            ]
    return sorted(found)


def _key(found: Object) -> str:
    return f"{found['metadata']['namespace']}/{found['metadata']['name']}"
