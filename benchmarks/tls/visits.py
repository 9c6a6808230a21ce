"""A client that comes again and again: a connection, a handshake, one request, one whole answer, one after another.

wrk resumes no session, so this client does both kinds of handshake: what differs between the two is the session.
"""

import socket
import ssl
import time
from statistics import median, quantiles

from benchmarks.load.certificate import NAME
from benchmarks.load.wrk import Load
from proxy.protocol.http2.engine import DataReceived, StreamClosed, client_engine
from proxy.protocol.limits import Limits

_PATIENCE = 10.0
_ASKED = f"GET / HTTP/1.1\r\nHost: {NAME}\r\nAccept: */*\r\n".encode()
LAST, KEPT = _ASKED + b"Connection: close\r\n\r\n", _ASKED + b"\r\n"
_BODY = b"\r\n\r\n" + b"x" * 200


class WrongAnswer(Exception):
    """It is not the whole answer of the backend."""


def client_context(*alpn: str) -> ssl.SSLContext:
    """The certificate is made for the run and is not looked at. `alpn`: what is offered to be spoken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def connect(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
    """With its handshake done. Raises OSError."""
    tcp = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
    try:
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(tcp, server_hostname=NAME, session=session)
    except BaseException:
        tcp.close()
        raise


def ask(connection: ssl.SSLSocket, request: bytes, body: bytes = _BODY) -> None:
    """One request and its answer, to the last octet of `body`. Raises OSError or WrongAnswer."""
    connection.sendall(request)
    got = b""
    while not got.endswith(body):
        piece = connection.recv(65536)
        if not piece:
            raise WrongAnswer(f"the answer ends after {len(got)} octets: {got[:80]!r}")
        got += piece
    if not got.startswith(b"HTTP/1.1 200 "):
        raise WrongAnswer(f"{got[:80]!r}")


def ask_for_much(connection: ssl.SSLSocket) -> None:
    """The same with an answer of 1 MiB."""
    ask(connection, KEPT.replace(b" / ", b" /m1 ", 1), b"\r\n\r\n" + b"x" * (1 << 20))


def ask_by_http2(connection: ssl.SSLSocket) -> None:
    """The first request of a connection whose client has offered "h2". Raises OSError or WrongAnswer."""
    if connection.selected_alpn_protocol() != "h2":
        raise WrongAnswer("HTTP/2 was not agreed on")
    engine = client_engine(Limits())
    fields = {b":method": b"GET", b":scheme": b"https", b":authority": NAME.encode(), b":path": b"/"}
    engine.send_request(list(fields.items()), end_stream=True)
    body, ended = b"", False
    while not ended:
        connection.sendall(engine.data_to_send())
        piece = connection.recv(65536)
        if not piece:
            raise WrongAnswer(f"the answer ends after {len(body)} octets")
        engine.receive_data(piece)
        for event in engine.events():
            body += event.data if isinstance(event, DataReceived) else b""
            ended = ended or isinstance(event, StreamClosed)
    connection.sendall(engine.data_to_send())
    if body != b"x" * 200:
        raise WrongAnswer(f"{body[:80]!r}")


class Visitor:
    """Visits one port; with `resumes` every visit but the first offers the session of the one before."""

    def __init__(self, port: int, resumes: bool) -> None:
        self._port = port
        self._context = client_context()
        self._resumes = resumes
        self._session: ssl.SSLSession | None = None
        if resumes:
            self.visit()

    def visit(self) -> bool:
        """Whether the handshake was of the wanted kind. Raises OSError or WrongAnswer."""
        with connect(self._port, self._context, self._session) as connection:
            ask(connection, LAST)
            as_wanted = connection.session_reused == self._resumes
            if connection.recv(1):  # the proxy ends the connection
                raise WrongAnswer("more than the answer")
            if self._resumes:
                self._session = connection.session  # its ticket came with the answer
        return as_wanted


def load(port: int, seconds: float, resumes: bool) -> Load:
    """Visits for that long. A visit that fails, or whose handshake is of the other kind, is an error."""
    visitor, times, errors = Visitor(port, resumes), [], 0
    started = now = time.monotonic()
    while now - started < seconds:
        try:
            errors += not visitor.visit()
        except (OSError, WrongAnswer):
            errors += 1
        before, now = now, time.monotonic()
        times.append((now - before) * 1e3)
    p99 = quantiles(times, n=100)[98] if len(times) > 1 else times[0]
    return Load(len(times), len(times) / (now - started), median(times), p99, errors)
