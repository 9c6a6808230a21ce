"""A data plane in a process of its own, so that its memory can be measured: `python -m tests.e2e.gateway_process PORT`.

Forwards everything to 127.0.0.1:PORT (`tls` as a second argument: for clients that speak TLS), prints the port it
listens on, and runs until its input ends.
"""

import asyncio
import sys

import uvloop

from tests.certificates import pair
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.secure import SecureGateway


def gateway(port: int, *, secure: bool) -> Gateway:
    if secure:
        return SecureGateway(rule(to(port)), certificates={"": [pair("one.example")]})
    return Gateway(rule(to(port)))


async def serve(port: int, *, secure: bool) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    async with gateway(port, secure=secure) as listening:
        print(listening.port, flush=True)
        await ended.wait()
    loop.remove_reader(sys.stdin.fileno())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), secure="tls" in sys.argv))
