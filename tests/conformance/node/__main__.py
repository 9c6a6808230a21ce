"""python -m tests.conformance.node CLUSTER: runs until SIGTERM, inside the cluster's network namespace."""

import asyncio
import logging
import signal
import sys

from tests.conformance.node.agent import Agent
from tests.conformance.node.api import Api
from tests.conformance.node.loadbalancer import LoadBalancer
from tests.conformance.node.logs import serve_logs
from tests.conformance.pki import admin_token
from tests.conformance.place import API, Place


async def main(place: Place) -> None:
    async with Api(API, admin_token(place), place.pki / "ca.crt") as api:
        agent = Agent(place, api)
        await serve_logs(agent, place)
        await agent.register()
        balancer = LoadBalancer(api)
        tasks = [asyncio.create_task(each) for each in (agent.run(), balancer.run(), stop_signal())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await balancer.close()
        await agent.close()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended


async def stop_signal() -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(message)s")
    asyncio.run(main(Place(sys.argv[1])))
