"""The hello backend without a gateway: what the tutorial deploys in a cluster, with the image it already has."""

import asyncio
import signal

from proxy.demo.play import Say, backend
from proxy.demo.stage import StageError


async def play_alone(host: str, port: int, say: Say) -> None:
    """Answers until SIGINT or SIGTERM; "" is every address. Raises StageError when the address cannot be had."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with backend(host or None, port):
            say(f"The hello backend answers on {host}:{port}, on /hello and below.")
            await stop.wait()
    except OSError as error:
        raise StageError(f"Cannot listen on {host}:{port}: {error.strerror}") from error
