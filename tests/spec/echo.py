"""Endpoints that answer with what they were asked, and so say who they are and what arrived."""

import json
import ssl
from typing import Any

from tests.e2e.peers import Backend, Ended, Peer

SETS = b"x-echo-set-header"
"""Request field that asks for fields of the answer: `name:value, name:value`."""


def echo(name: str, secure: ssl.SSLContext | None = None) -> Backend:
    """Every request is answered with 200 and a description of it, as JSON."""
    names: list[str | None] = []
    if secure is not None:
        secure.sni_callback = lambda tls, name, context: names.append(name)

    async def script(peer: Peer) -> None:
        while True:
            try:
                request = await peer.request()
            except Ended:
                return
            told = {
                "backend": name,
                "method": request.method.decode(),
                "target": request.target.decode(),
                "fields": [(key.decode(), value.decode("latin-1")) for key, value in request.fields],
                "tls": None if secure is None else {"name": names[-1], "shown": _shown(peer)},
            }
            await peer.send(_answer(json.dumps(told).encode(), request.all(SETS), request.method))

    return Backend(script, secure=secure)


def _answer(body: bytes, wanted: list[bytes], method: bytes) -> bytes:
    asked = [pair.strip() for line in wanted for pair in line.split(b",") if pair.strip()]
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    lines += [name + b": " + value for name, _, value in (pair.partition(b":") for pair in asked)]
    return b"\r\n".join([*lines, b"", b"" if method == b"HEAD" else body])


def _shown(peer: Peer) -> dict[str, Any]:
    """The subject of the certificate that was shown to the endpoint; empty without one."""
    certificate = peer._writer.get_extra_info("ssl_object").getpeercert()
    return dict(part[0] for part in certificate["subject"]) if certificate else {}
