"""A client that comes again and again: a connection, a handshake, one request, one whole answer, one after another.

wrk resumes no session, so this client does both kinds of handshake: what differs between the two is the session.
"""

import socket
import ssl
import time
from statistics import median, quantiles

from benchmarks.load.certificate import NAME
from benchmarks.load.wrk import Load

_PATIENCE = 10.0
_ASKED = f"GET / HTTP/1.1\r\nHost: {NAME}\r\nAccept: */*\r\n".encode()
LAST, KEPT = _ASKED + b"Connection: close\r\n\r\n", _ASKED + b"\r\n"
_BODY = b"\r\n\r\n" + b"x" * 200


class WrongAnswer(Exception):
    """It is not the whole answer of the backend."""


def client_context() -> ssl.SSLContext:
    """The certificate is made for the run and is not looked at."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
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


def ask(connection: ssl.SSLSocket, request: bytes) -> None:
    """One request and its answer, to the last octet. Raises OSError or WrongAnswer."""
    connection.sendall(request)
    got = b""
    while not got.endswith(_BODY):
        piece = connection.recv(65536)
        if not piece:
            raise WrongAnswer(f"the answer ends after {len(got)} octets: {got[:80]!r}")
        got += piece
    if not got.startswith(b"HTTP/1.1 200 "):
        raise WrongAnswer(f"{got[:80]!r}")


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
