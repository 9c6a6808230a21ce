"""A data plane in a process of its own, so that its memory can be measured: `python -m tests.e2e.gateway_process PORT`.

Forwards everything to 127.0.0.1:PORT, prints the port it listens on, and runs until its input ends. A second argument
`tls` is for clients that speak TLS; `h2` for an endpoint that speaks HTTP/2; `backend-tls FILE` for an endpoint that
speaks TLS, and that a bundle of PEM vouches for.
"""

import asyncio
import sys
from pathlib import Path

import uvloop
from msgspec.structs import replace

from proxy.translate.graph.x509 import read_bundle
from tests.certificates import pair
from tests.e2e.gateway import Gateway, rule, to
from tests.e2e.secure import SecureGateway
from tests.e2e.secure_backends import SecuringGateway, Trust


def gateway(port: int, *, secure: bool, authority: bytes, protocol: str) -> Gateway:
    if authority:
        trust = Trust()
        return SecuringGateway(trust, rule(trust.to(port, bundle=read_bundle(authority))))
    if secure:
        return SecureGateway(rule(to(port)), certificates={"": [pair("one.example")]})
    ref, upstream = to(port)
    return Gateway(rule((ref, replace(upstream, protocol=protocol))))


async def serve(port: int, *, secure: bool, authority: bytes, protocol: str) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    async with gateway(port, secure=secure, authority=authority, protocol=protocol) as listening:
        print(listening.port, flush=True)
        await ended.wait()
    loop.remove_reader(sys.stdin.fileno())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        options = sys.argv[2:]
        pem = Path(options[1]).read_bytes() if "backend-tls" in options else b""
        protocol = "h2" if "h2" in options else "http"
        runner.run(serve(int(sys.argv[1]), secure="tls" in options, authority=pem, protocol=protocol))
