"""A data plane in a process of its own, so that its memory can be measured: `python -m tests.e2e.gateway_process PORT`.

Forwards everything to 127.0.0.1:PORT, prints the port it listens on, and runs until its input ends.
"""

import asyncio
import sys

import uvloop

from tests.e2e.gateway import Gateway, rule, to


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    async with Gateway(rule(to(port))) as gateway:
        print(gateway.port, flush=True)
        await ended.wait()
    loop.remove_reader(sys.stdin.fileno())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
