"""Waiting for what must happen, and giving up on what does not."""

import asyncio
from collections.abc import Callable

PATIENCE = 20.0
"""Seconds until a test that waits for something that never comes gives up."""


async def eventually(condition: Callable[[], object]) -> None:
    """Let the loop run until the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for is the kernel's or the product's doing
            await asyncio.sleep(0.0005)
