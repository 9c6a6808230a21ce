"""A backend for scenarios: it sends back whatever it is sent, in an event loop inside the cluster."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from tests.cluster.inside import Inside
from tests.conformance.place import NODE_IP

PORT = 3000

OBJECTS = """
apiVersion: v1
kind: Service
metadata: {{name: mirror, namespace: {namespace}}}
spec: {{ports: [{{name: http, port: 80, targetPort: {port}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: mirror-1, namespace: {namespace}, labels: {{kubernetes.io/service-name: mirror}}}}
addressType: IPv4
ports: [{{name: http, port: {port}}}]
endpoints: [{{addresses: [{address}], conditions: {{ready: true}}}}]
"""


def objects_in(namespace: str) -> str:
    """The Service `mirror` and where it is answered."""
    return OBJECTS.format(namespace=namespace, port=PORT, address=NODE_IP)


@contextmanager
def backend(where: Inside) -> Iterator[None]:
    runner = where.run(_serve())
    try:
        yield
    finally:
        where.run(runner.cleanup())


async def _serve() -> web.AppRunner:
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", _answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, NODE_IP, PORT).start()
    return runner


async def _answer(request: web.Request) -> web.Response:
    return web.Response(body=await request.read(), headers={"X-Path": request.path})
