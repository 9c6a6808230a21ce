"""Credentials from a program (client.authentication.k8s.io), as managed clusters give them.

It is run when there is no credential yet, a while before the one there is expires, and after a 401.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field

from proxy.sources.kubernetes.credentials import Credential
from proxy.sources.kubernetes.errors import Unreachable

GROUP: Final = "client.authentication.k8s.io"
VERSIONS: Final = (f"{GROUP}/v1", f"{GROUP}/v1beta1")
PATIENCE: Final = 60.0
"""Seconds that the program may take."""
EARLY: Final = 60.0
"""Seconds before the expiry at which a new credential is asked for."""


class Program(Struct, frozen=True):
    """users[].user.exec of a kubeconfig, its paths resolved."""

    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    api_version: str = VERSIONS[0]
    install_hint: str = ""
    cluster: dict[str, Any] | None = None
    """What KUBERNETES_EXEC_INFO tells of the cluster (provideClusterInfo)."""


class FromProgram:
    """Runs the program; only one at a time, whoever waits for it."""

    def __init__(self, program: Program, *, now: Callable[[], float] = time.time, patience: float = PATIENCE) -> None:
        self._program = program
        self._now = now
        self._patience = patience
        self._running = asyncio.Lock()
        self._credential: Credential | None = None
        self._expires: float | None = None
        """Seconds since the epoch; None for never."""

    async def get(self) -> Credential:
        async with self._running:
            if self._credential is None or self._is_due():
                await self._renew()
            assert self._credential is not None
            return self._credential

    async def refresh(self) -> bool:
        before = self._credential
        async with self._running:
            if self._credential is before:  # nobody else has asked meanwhile
                self._credential = None
        return await self.get() != before

    def _is_due(self) -> bool:
        return self._expires is not None and self._now() >= self._expires - EARLY

    async def _renew(self) -> None:
        """What still holds is kept when the program fails before the expiry."""
        try:
            status = credential_status(await self._output(), self._program.api_version)
            expires = expiry(status)
            self._credential = Credential(*(text_of(status, name) for name in FIELDS))
            self._expires = expires
        except Unreachable:
            if self._credential is None or (self._expires is not None and self._now() >= self._expires):
                raise

    async def _output(self) -> bytes:
        program = self._program
        try:
            process = await asyncio.create_subprocess_exec(
                program.command,
                *program.args,
                env={**os.environ, **program.env, "KUBERNETES_EXEC_INFO": exec_info(program)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            hint = f"; {program.install_hint}" if program.install_hint else ""
            raise Unreachable(f"{program.command} cannot be run: {error.strerror}{hint}") from None
        output = None
        try:
            async with asyncio.timeout(self._patience):
                output, _ = await process.communicate()
        except TimeoutError:
            raise Unreachable(f"{program.command} gave no credential in {self._patience:g} s") from None
        finally:
            if output is None:  # with whatever it has started, which may hold its output when it has ended itself
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            raise Unreachable(f"{program.command} gave no credential: exit status {process.returncode}")
        return output


FIELDS: Final = ("token", "clientCertificateData", "clientKeyData")


def exec_info(program: Program) -> str:
    """KUBERNETES_EXEC_INFO: nobody is there to be asked."""
    spec: dict[str, Any] = {"interactive": False}
    if program.cluster is not None:
        spec["cluster"] = program.cluster
    return json.dumps({"apiVersion": program.api_version, "kind": "ExecCredential", "spec": spec})


def credential_status(output: bytes, api_version: str) -> Mapping[str, Any]:
    """The status of an ExecCredential. Raises Unreachable, never with what was printed: it may be a token."""
    try:
        printed = json.loads(output)
    except ValueError:
        raise Unreachable("the exec plugin printed no JSON") from None
    if not isinstance(printed, dict) or printed.get("kind") != "ExecCredential":
        raise Unreachable("the exec plugin printed no ExecCredential")
    if printed.get("apiVersion") != api_version:
        raise Unreachable(f"the exec plugin did not answer in the version asked for, {api_version}")
    status = printed.get("status")
    if not isinstance(status, dict) or not any(status.get(name) for name in ("token", "clientCertificateData")):
        raise Unreachable("the exec plugin printed an ExecCredential without a token or a certificate")
    return status


def text_of(status: Mapping[str, Any], name: str) -> str:
    value = status.get(name)
    return value if isinstance(value, str) else ""


def expiry(status: Mapping[str, Any]) -> float | None:
    """expirationTimestamp in seconds since the epoch."""
    text = text_of(status, "expirationTimestamp")
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise Unreachable("the exec plugin printed an expirationTimestamp that is no time") from None
