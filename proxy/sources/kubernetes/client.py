"""KubernetesClient: requests to an API server, and watches of it.

One session with kept connections. A 401 fetches new credentials and asks again, a 429 waits as long as the
API server says. Everything else is for the caller, as one of two exceptions.
"""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any, Final

import msgspec
from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    TCPConnector,
)

from proxy import __version__
from proxy.sources.kubernetes.access import Access
from proxy.sources.kubernetes.credentials import Credential
from proxy.sources.kubernetes.errors import ApiError, Unreachable
from proxy.sources.kubernetes.lines import LineSplitter

__all__ = ["ApiError", "KubernetesClient", "Unreachable"]

USER_AGENT: Final = f"penstock/{__version__}"
CONNECT_TIMEOUT: Final = 10.0
"""Seconds, as are all below."""
READ_TIMEOUT: Final = 60.0
"""Without an octet; of a watch beside its own timeoutSeconds."""
WATCH_GRACE: Final = 15.0
"""That a watch may be late with its end before it counts as dead."""
TOO_MANY: Final = 5
"""Times that a request is sent which is answered by 429."""
LONGEST_WAIT: Final = 30.0
"""That a 429 makes us wait."""
LARGE: Final = 64 * 1024
"""Octets of JSON from which on they are read in a thread: the loop has others to serve."""
CONNECTIONS: Final = 0
"""No limit: each watch holds one, and there are as many as kinds and Secrets that are followed."""


class KubernetesClient:
    """May be made outside of an event loop; belongs to the one it is first used in."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._session: ClientSession | None = None

    @property
    def server(self) -> str:
        """Its URL, for people."""
        return self.access.server

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The object that came back. `body` is sent as JSON.

        Raises ApiError for what the API server refuses, Unreachable for everything else.
        """
        data = None if body is None else msgspec.json.encode(body)
        response = await self._open(method, path, data, content_type, params, READ_TIMEOUT)
        try:
            text = await response.read()
        except (ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(error) from None
        finally:
            response.release()
        value = await _decoded(text)
        if not isinstance(value, dict):
            raise Unreachable(f"{self.server} does not answer like an API server")
        return value

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        return await self.request("GET", path, params=params)

    async def watch(self, path: str, params: Mapping[str, str] | None = None) -> AsyncGenerator[dict[str, Any], None]:
        """Events, bookmarks included, until the API server ends the watch. An ERROR event raises its ApiError."""
        async with aclosing(self.lines(path, params)) as lines:
            async for line in lines:
                yield await decode_event(line)

    async def lines(
        self, path: str, params: Mapping[str, str] | None = None, opened: Callable[[], None] = lambda: None
    ) -> AsyncGenerator[bytes, None]:
        """What `watch` reads: one event a line. A last line without an end is dropped: it may be half of one.

        `opened` is called when the API server has taken the watch, which may be long before the first event.
        """
        params = {**(params or {}), "watch": "true"}
        silence = float(params.get("timeoutSeconds", READ_TIMEOUT)) + WATCH_GRACE
        response = await self._open("GET", path, None, "", params, silence)
        splitter = LineSplitter()
        try:
            opened()
            async for chunk in response.content.iter_any():
                for line in splitter.feed(chunk):
                    yield line
        except (ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(error) from None
        finally:
            response.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    # --- one exchange ----------------------------------------------------------------------------

    async def _open(
        self,
        method: str,
        path: str,
        data: bytes | None,
        content_type: str,
        params: Mapping[str, str] | None,
        read_timeout: float,
    ) -> ClientResponse:
        """A response that is no error, its body not read yet."""
        refreshed, sent = False, 0
        while True:
            credential = await self.access.credentials.get()
            sent += 1
            try:
                response = await self._send(credential, method, path, data, content_type, params, read_timeout)
                if response.status < 300:
                    return response
                if response.status < 400:
                    response.close()
                    raise Unreachable(f"{self.server} does not answer like an API server: it redirects")
                error = await _api_error(response)
            except (ClientError, TimeoutError, OSError) as failure:
                raise self._unreachable(failure) from None
            if error.status == 401 and not refreshed and await self.access.credentials.refresh():
                refreshed = True
            elif error.status == 429 and sent < TOO_MANY:
                await asyncio.sleep(min(LONGEST_WAIT, error.retry_after or 1.0))
            else:
                raise error

    async def _send(
        self,
        credential: Credential,
        method: str,
        path: str,
        data: bytes | None,
        content_type: str,
        params: Mapping[str, str] | None,
        read_timeout: float,
    ) -> ClientResponse:
        access = self.access
        headers = [("Accept", "application/json"), *access.headers]
        if credential.token:
            headers.append(("Authorization", f"Bearer {credential.token}"))
        if data is not None:
            headers.append(("Content-Type", content_type))
        return await self._session_of_loop().request(
            method,
            access.server + path,
            params=params,
            data=data,
            headers=headers,
            allow_redirects=False,  # a token goes nowhere but to its API server
            ssl=access.trust.context(credential) if access.server.startswith("https:") else False,
            server_hostname=access.server_name or None,
            timeout=ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=read_timeout),
        )

    def _session_of_loop(self) -> ClientSession:
        if self._session is None:
            connector = TCPConnector(limit=CONNECTIONS, keepalive_timeout=60.0, socket_factory=_socket)
            self._session = ClientSession(connector=connector, headers={"User-Agent": USER_AGENT}, trust_env=False)
        return self._session

    def _unreachable(self, error: BaseException) -> Unreachable:
        return Unreachable(f"{self.server}: {_reason(error)}")


def _reason(error: BaseException) -> str:
    if isinstance(error, ClientConnectorCertificateError):
        return f"its certificate is not believed: {getattr(error.certificate_error, 'verify_message', '')}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ClientPayloadError):
        return "the connection broke"
    if isinstance(error, ClientConnectorError):
        number = error.os_error.errno
        return os.strerror(number) if number and number > 0 else str(error.os_error)
    return str(error) or type(error).__name__


def _socket(info: Any) -> socket.socket:
    """A peer that is gone without a word is noticed within a minute, even while it owes us nothing."""
    family, kind, protocol, *_ = info
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return sock


# --- what comes back --------------------------------------------------------------------------


async def decode_event(line: bytes) -> dict[str, Any]:
    """An event of a watch. Raises ApiError for an ERROR event, Unreachable for what is no event."""
    event = await _decoded(line)
    if not isinstance(event, dict) or not isinstance(event.get("object"), dict):
        raise Unreachable("a line that is no event came from the API server")
    if event.get("type") == "ERROR":
        raise _of_status(event["object"], 500, None)
    return event


async def _decoded(text: bytes) -> Any:
    try:
        if len(text) > LARGE:
            return await asyncio.to_thread(msgspec.json.decode, text)
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unreachable("what came from the API server is not JSON") from None


async def _api_error(response: ClientResponse) -> ApiError:
    """From a Status object, or from whatever a proxy in between says."""
    text = await response.read()
    response.release()
    status: Any = None
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        status = msgspec.json.decode(text)
    after = response.headers.get("Retry-After", "")
    seconds = float(after) if after.isascii() and after.isdigit() else None
    if not isinstance(status, dict):
        return ApiError(response.status, response.reason or "", text[:200].decode(errors="replace"), seconds)
    return _of_status(status, response.status, seconds)


def _of_status(status: dict[str, Any], code: int, retry_after: float | None) -> ApiError:
    """https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/"""
    details = status.get("details")
    if retry_after is None and isinstance(details, dict) and isinstance(details.get("retryAfterSeconds"), int):
        retry_after = float(details["retryAfterSeconds"]) or None
    given = status.get("code")
    return ApiError(
        given if isinstance(given, int) and given else code,
        str(status.get("reason") or ""),
        str(status.get("message") or ""),
        retry_after,
    )
