"""Many clients at once, with bodies, pipelines, reloads and people who leave: every answer belongs to its question."""

import asyncio
import random

from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.peers import Backend, Ended, Peer, ok
from tests.patience import eventually

CLIENTS, ROUNDS = 30, 25


async def echoes(peer: Peer) -> None:
    """Names the path, gives the body back, and dislikes keeping connections."""
    dice = random.Random(peer.received)
    while True:
        try:
            request = await peer.request()
        except Ended:
            return
        if dice.random() < 0.1:
            await asyncio.sleep(0.001)
        body = request.path + b" " + request.body
        if dice.random() < 0.5:
            await peer.send(ok(body))
        else:
            chunk = b"%x\r\n%b\r\n" % (len(body), body)
            await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n")


async def asks(gateway: Gateway, number: int) -> int:
    """One client's life; returns how many answers it got."""
    dice = random.Random(number)
    answered = 0
    client = await gateway.client()
    for round_ in range(ROUNDS):
        batch = []
        for i in range(dice.choice((1, 1, 1, 3))):
            path = b"/%d/%d/%d" % (number, round_, i)
            body = dice.randbytes(dice.choice((0, 0, 10, 3000)))
            batch.append((path, body))
            head = b"PUT " + path + b" HTTP/1.1\r\nHost: a\r\n"
            if dice.random() < 0.5:
                await client.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            else:
                framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
                await client.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n")
        if dice.random() < 0.05:
            client.reset()
            client = await gateway.client()
            continue
        for path, body in batch:
            got = await client.response()
            assert (got.status, got.body) == (200, path + b" " + body)
            answered += 1
    return answered


async def test_every_answer_belongs_to_its_question() -> None:
    async with Backend(echoes) as one, Backend(echoes) as two:
        rules = (rule(to(one.port, weight=3), to(two.port, weight=1)),)
        async with Gateway(*rules) as gateway:
            lives = [asyncio.ensure_future(asks(gateway, number)) for number in range(CLIENTS)]
            while not all(life.done() for life in lives):
                gateway.install(*rules)
                await asyncio.sleep(0.01)
            answered = sum(life.result() for life in lives)
            finished = [record for record in gateway.log.records if not record.flags]
            assert answered > CLIENTS * ROUNDS * 0.9
            assert len(finished) >= answered
            assert all(record.flags == "DC" for record in gateway.log.records if record.flags)
            for pool in gateway.plane._registry._pools.values():
                await eventually(lambda pool=pool: pool.active == 0 and pool.idle == pool.connections)
