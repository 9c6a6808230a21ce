"""python -m benchmarks.micro.seam.serve NAME PORT BACKEND: one prototype at 127.0.0.1:PORT, until SIGTERM.

PORT 0 takes a free one; the port is printed once it is listened on. BACKEND is a port of 127.0.0.1, too.
"""

import asyncio
import gc
import socket
import sys

import uvloop

from benchmarks.micro.seam.prototypes import PROTOTYPES


async def main(name: str, port: int, backend: int) -> None:
    sock = socket.create_server(("127.0.0.1", port), backlog=1024)
    await PROTOTYPES[name](sock, ("127.0.0.1", backend))
    print(sock.getsockname()[1], flush=True)
    gc.collect()
    gc.freeze()
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    _, chosen, listen, endpoint = sys.argv
    uvloop.run(main(chosen, int(listen), int(endpoint)))
