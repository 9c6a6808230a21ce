"""A data plane that counts its octets: `python -m tests.e2e.counted_process PORT [tls]`, under PYTHONMALLOC=malloc.

Forwards everything to 127.0.0.1:PORT. Prints the port it listens on and what a connection costs the TLS library alone;
then, for each number it is given, how many octets are in use when so many connections are open. Every one of them comes
from malloc, and glibc (from 2.33 on) knows them all: pages that are free or shared, which make resident memory a guess,
do not count.
"""

import asyncio
import ctypes
import gc
import ssl
import sys
from functools import partial

import uvloop

from proxy.downstream.tls.contexts import server_context
from tests.certificates import client_context, pair
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.secure import SecureGateway
from tests.patience import eventually

ONE = pair("one.example")
_FEW, _MANY = 20, 120


class _Mallinfo2(ctypes.Structure):
    """mallinfo(3)."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _names.split()]


_mallinfo2 = ctypes.CDLL(None).mallinfo2
_mallinfo2.restype = _Mallinfo2


def in_use() -> int:
    """Octets, with malloc's own around each piece."""
    gc.collect()
    info = _mallinfo2()
    return int(info.uordblks + info.hblkhd)


def of_the_library() -> float:
    """Octets of an SSLObject that has shaken hands, read and written: there is nothing to be saved by us."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context, trusting = server_context(ONE.certificate), client_context(ONE)

    def connected() -> ssl.SSLObject:
        server = context.wrap_bio(incoming, outgoing, server_side=True)
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = trusting.wrap_bio(to_client, to_server, server_hostname="one.example")
        for call in (client.do_handshake, server.do_handshake, client.do_handshake, server.do_handshake):
            try:
                call()
            except ssl.SSLWantReadError:
                pass
            incoming.write(to_server.read())
            to_client.write(outgoing.read())
        client.write(b"asked")
        incoming.write(to_server.read())
        server.write(server.read())
        to_client.write(outgoing.read())
        assert client.read() == b"asked"
        return server

    kept = [connected() for _ in range(_FEW)]
    before = in_use()
    kept += [connected() for _ in range(_MANY - _FEW)]
    return (in_use() - before) / (_MANY - _FEW)


async def serve(gateway: Gateway, library: float) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with gateway:
        print(gateway.port, library, flush=True)
        while connections := await reader.readline():
            await eventually(partial(_has, gateway, int(connections)))
            gateway.log.records.clear()
            print(in_use(), flush=True)


def _has(gateway: Gateway, connections: int) -> bool:
    return gateway.plane.connections == connections


if __name__ == "__main__":
    rules = rule(to(int(sys.argv[1])))
    secure = "tls" in sys.argv[2:]
    made = SecureGateway(rules, certificates={"": [ONE]}) if secure else Gateway(rules)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(made, of_the_library() if secure else 0.0))
