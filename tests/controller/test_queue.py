"""The newest first, each once, and none for ever last."""

import asyncio

from proxy.controller.queue import FAIR, WorkQueue


async def test_the_newest_comes_first_and_each_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for item in ("a", "b", "c", "a"):
        queue.put(item)
    assert [await queue.take() for _ in range(3)] == ["a", "c", "b"]


async def test_the_oldest_has_its_turn_too() -> None:
    queue: WorkQueue[int] = WorkQueue()
    queue.put(0)
    taken = []
    for number in range(1, FAIR + 1):
        queue.put(number)
        taken.append(await queue.take())
        queue.done(taken[-1])
    assert taken[-1] == 0


async def test_what_changes_while_it_is_worked_on_comes_again_afterwards() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.put("a")
    assert await queue.take() == "a"
    queue.put("a")
    waiting = asyncio.ensure_future(queue.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.done("a")
    assert await waiting == "a"
    queue.done("a")
    await queue.drained()


async def test_cleared_is_drained_when_the_last_work_is_done() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.put("a")
    queue.put("b")
    taken = await queue.take()
    queue.put(taken)
    queue.clear()
    drained = asyncio.ensure_future(queue.drained())
    await asyncio.sleep(0)
    assert not drained.done()
    queue.done(taken)
    await drained
    assert len(queue) == 0
