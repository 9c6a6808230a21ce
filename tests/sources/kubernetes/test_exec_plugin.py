"""Credentials from a program: run when needed, and never quoted."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.sources.kubernetes.access import Access, find_access
from proxy.sources.kubernetes.client import KubernetesClient
from proxy.sources.kubernetes.credentials import Credential
from proxy.sources.kubernetes.errors import Unreachable
from proxy.sources.kubernetes.exec_plugin import VERSIONS, FromProgram, Program
from proxy.sources.kubernetes.tls import Trust
from tests.patience import eventually
from tests.runtime.running import is_running
from tests.sources.kubernetes.api_server import api_server

V1 = VERSIONS[0]
NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z


class Plugin:
    """A shell script that prints what a test puts into a file, and counts how often it is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "plugin"
        self.path.write_text(
            f'#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" > {folder}/info\necho "$1 $GREETING" >> {folder}/runs\n'
            f"cat {folder}/printed\nexit $(cat {folder}/exit)\n"
        )
        self.path.chmod(stat.S_IRWXU)
        self.exit(0)

    def prints(self, token: str = "", expires: str = "", version: str = V1, **status: Any) -> None:
        status = {**status, **({"token": token} if token else {})}
        if expires:
            status["expirationTimestamp"] = expires
        self.prints_text(json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status}))

    def prints_text(self, text: str) -> None:
        (self.folder / "printed").write_text(text)

    def exit(self, code: int) -> None:
        (self.folder / "exit").write_text(str(code))

    @property
    def runs(self) -> list[str]:
        return (self.folder / "runs").read_text().splitlines()

    @property
    def info(self) -> Any:
        return json.loads((self.folder / "info").read_text())

    def program(self, **more: Any) -> Program:
        return Program(str(self.path), ("arg",), {"GREETING": "hello"}, **more)


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    return Plugin(tmp_path)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_program_is_run_once_for_a_token_that_does_not_expire(plugin: Plugin, version: str) -> None:
    plugin.prints("t", version=version)
    source = FromProgram(plugin.program(api_version=version))
    assert [await source.get(), await source.get()] == [Credential("t"), Credential("t")]
    assert plugin.runs == ["arg hello"]
    assert plugin.info == {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}


async def test_a_token_is_renewed_before_it_expires(plugin: Plugin) -> None:
    now = NOON - 61
    source = FromProgram(plugin.program(), now=lambda: now)
    plugin.prints("first", "2026-01-01T12:00:00Z")
    assert (await source.get()).token == "first"
    assert (await source.get()).token == "first"
    now = NOON - 59
    plugin.prints("second", "2026-01-01T13:00:00+00:00")
    assert (await source.get()).token == "second"
    assert len(plugin.runs) == 2


async def test_a_failure_before_the_expiry_keeps_what_holds_and_after_it_is_told(plugin: Plugin) -> None:
    now = NOON - 120
    source = FromProgram(plugin.program(), now=lambda: now)
    plugin.prints("first", "2026-01-01T12:00:00Z")
    await source.get()
    plugin.exit(3)
    now = NOON - 30
    assert (await source.get()).token == "first"
    now = NOON + 1
    with pytest.raises(Unreachable, match="exit status 3"):
        await source.get()


async def test_a_401_runs_it_again(plugin: Plugin) -> None:
    async with api_server() as server:
        plugin.prints("first")
        server.tokens = {"first"}
        client = KubernetesClient(Access(server.url, FromProgram(plugin.program()), Trust()))
        await client.get("/api/v1")
        server.tokens = {"second"}
        plugin.prints("second")
        await client.get("/api/v1")
        await client.close()
        assert len(plugin.runs) == 2


async def test_it_may_give_a_certificate(plugin: Plugin) -> None:
    plugin.prints(clientCertificateData="PEM", clientKeyData="KEY")
    assert await FromProgram(plugin.program()).get() == Credential("", "PEM", "KEY")


PRINTED = [
    ("hunter2", "no JSON"),
    ('["hunter2"]', "no ExecCredential"),
    (json.dumps({"kind": "ExecCredential", "apiVersion": V1, "status": {}}), "without a token or a certificate"),
    (json.dumps({"kind": "ExecCredential", "apiVersion": VERSIONS[1], "status": {"token": "hunter2"}}), "version"),
    (
        json.dumps(
            {"kind": "ExecCredential", "apiVersion": V1, "status": {"token": "hunter2", "expirationTimestamp": "soon"}}
        ),
        "no time",
    ),
]


@pytest.mark.parametrize(("printed", "said"), PRINTED)
async def test_what_is_no_credential_is_told_but_not_quoted(plugin: Plugin, printed: str, said: str) -> None:
    plugin.prints_text(printed)
    with pytest.raises(Unreachable, match=said) as caught:
        await FromProgram(plugin.program()).get()
    assert "hunter2" not in str(caught.value)


async def test_a_program_that_is_not_there_is_told_with_the_hint() -> None:
    program = Program("/nowhere/plugin", install_hint="install it from example.com")
    with pytest.raises(Unreachable, match=r"/nowhere/plugin cannot be run: .*; install it from example\.com"):
        await FromProgram(program).get()


async def test_a_program_that_never_ends_is_ended(plugin: Plugin) -> None:
    plugin.path.write_text("#!/bin/sh\nexec tail -f /dev/null\n")
    os.chmod(plugin.path, stat.S_IRWXU)
    with pytest.raises(Unreachable, match="gave no credential in"):
        await FromProgram(plugin.program(), patience=0.05).get()


async def test_what_a_plugin_leaves_behind_is_ended_with_it(plugin: Plugin, tmp_path: Path) -> None:
    """It has ended, and what it started still holds its output, so that it never comes to an end."""
    left = tmp_path / "left"
    plugin.path.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {left}\n")
    os.chmod(plugin.path, stat.S_IRWXU)
    with pytest.raises(Unreachable, match="gave no credential in"):
        await FromProgram(plugin.program(), patience=0.5).get()
    await eventually(lambda: not is_running(int(left.read_text())))


async def test_a_kubeconfig_says_how_it_is_run(plugin: Plugin) -> None:
    plugin.prints("t")
    config = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [
            {
                "name": "a",
                "cluster": {
                    "server": "https://h",
                    "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}],
                },
            }
        ],
        "users": [
            {
                "name": "a",
                "user": {
                    "exec": {
                        "apiVersion": V1,
                        "command": "./plugin",
                        "args": ["arg"],
                        "env": [{"name": "GREETING", "value": "hi"}],
                        "interactiveMode": "IfAvailable",
                        "provideClusterInfo": True,
                    }
                },
            }
        ],
    }
    path = plugin.folder / "config"
    path.write_text(yaml.safe_dump(config))
    assert await find_access(str(path), environ={}).credentials.get() == Credential("t")
    assert plugin.runs == ["arg hi"]
    assert plugin.info["spec"]["cluster"] == {"server": "https://h", "config": {"audience": "x"}}
