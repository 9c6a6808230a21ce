"""Which API server is meant, and with which credentials: kubeconfigs and the account of a Pod."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.sources.kubernetes.access import Access, find_access
from proxy.sources.kubernetes.credentials import Credential
from proxy.sources.kubernetes.errors import AccessError, Unreachable

TLS = Path(__file__).parent / "tls"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def write(path: Path, user: Any = None, cluster: Any = None, name: str = "a", **top: Any) -> Path:
    config = {
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "shop"}}],
        "clusters": [{"name": name, "cluster": {"server": "https://10.0.0.1:6443/", **(cluster or {})}}],
        "users": [{"name": name, "user": user or {}}],
        **top,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(config))
    return path


def of(path: Path, context: str = "") -> Access:
    return find_access(str(path), context, environ={})


# --- which ----------------------------------------------------------------------------------------


async def test_a_kubeconfig_that_is_given_wins_then_the_pod_then_the_home(tmp_path: Path) -> None:
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text("of-the-pod")
    given = write(tmp_path / "given", {"token": "given"})
    named = write(tmp_path / "named", {"token": "named"})
    write(tmp_path / "home/.kube/config", {"token": "home"})
    environ = {
        "KUBECONFIG": str(named),
        "KUBERNETES_SERVICE_HOST": "fd00::1",
        "KUBERNETES_SERVICE_PORT": "443",
        "HOME": str(tmp_path / "home"),
    }

    async def token(path: str = "") -> str:
        access = find_access(path, environ=environ, account=str(account))
        return (await access.credentials.get()).token

    assert await token(str(given)) == "given"
    assert await token() == "named"
    del environ["KUBECONFIG"]
    assert await token() == "of-the-pod"
    assert find_access(environ=environ, account=str(account)).server == "https://[fd00::1]:443"
    del environ["KUBERNETES_SERVICE_HOST"]
    assert await token() == "home"
    environ["HOME"] = str(tmp_path)
    with pytest.raises(AccessError) as caught:
        await token()
    for named_one in ("--kubeconfig", "KUBECONFIG", "KUBERNETES_SERVICE_HOST", f"{tmp_path}/.kube/config"):
        assert named_one in str(caught.value)


async def test_of_several_files_the_first_counts(tmp_path: Path) -> None:
    one = write(tmp_path / "one", {"token": "1"}, name="a")
    two = write(tmp_path / "two", {"token": "2"}, name="b")
    both = {"KUBECONFIG": f"{tmp_path}/missing:{one}:{two}"}
    assert (await find_access(environ=both).credentials.get()).token == "1"
    assert (await find_access(context="b", environ=both).credentials.get()).token == "2"
    with pytest.raises(AccessError, match='no context "c"; there is a, b'):
        find_access(context="c", environ=both)


async def test_paths_count_from_the_file_they_stand_in(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/token").write_text("relative\n")
    (tmp_path / "sub/ca.crt").write_text((TLS / "ca.crt").read_text())
    path = write(tmp_path / "sub/config", {"tokenFile": "token"}, {"certificate-authority": "ca.crt"})
    access = of(path)
    assert await access.credentials.get() == Credential("relative")
    access.trust.context(Credential())
    assert access.server == "https://10.0.0.1:6443"


async def test_certificates_come_from_files_or_data(tmp_path: Path) -> None:
    certificate, key = (TLS / "client.crt").read_text(), (TLS / "client.key").read_text()
    files = {"client-certificate": str(TLS / "client.crt"), "client-key": str(TLS / "client.key")}
    data = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    for user in (files, data, {**data, "client-key-data": None, "client-key": files["client-key"]}):
        path = write(tmp_path / "config", user, {"certificate-authority-data": encoded((TLS / "ca.crt").read_text())})
        access = of(path)
        credential = await access.credentials.get()
        assert credential == Credential("", certificate, key)
        access.trust.context(credential)


def test_impersonation_becomes_headers(tmp_path: Path) -> None:
    user = {"as": "jane", "as-groups": ["a", "b"], "as-uid": "7", "as-user-extra": {"x/y": ["1", "2"]}}
    assert of(write(tmp_path / "c", user)).headers == (
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-x%2Fy", "1"),
        ("Impersonate-Extra-x%2Fy", "2"),
    )


def test_the_name_of_the_certificate_may_differ(tmp_path: Path) -> None:
    assert of(write(tmp_path / "c", cluster={"tls-server-name": "api.example"})).server_name == "api.example"


# --- what is refused ------------------------------------------------------------------------------

REFUSED = [
    # (user, cluster, said)
    ({}, {"proxy-url": "http://p"}, "proxy-url is not supported"),
    ({}, {"server": "10.0.0.1"}, "not a URL"),
    ({}, {"server": "https://u:hunter2@h"}, "holds a password"),
    ({"username": "u", "password": "hunter2"}, {}, "basic authentication has gone"),
    ({"auth-provider": {"name": "gcp"}}, {}, "auth-provider has gone"),
    ({"client-certificate-data": "hunter2"}, {}, "client-certificate-data is not base64"),
    ({"exec": {"command": "x", "apiVersion": "client.authentication.k8s.io/v1alpha1"}}, {}, "exec needs"),
    (
        {
            "exec": {
                "command": "x",
                "apiVersion": "client.authentication.k8s.io/v1",
                "interactiveMode": "Always",
            }
        },
        {},
        "nobody is there",
    ),
]


@pytest.mark.parametrize(("user", "cluster", "said"), REFUSED)
def test_what_is_not_supported_is_named(tmp_path: Path, user: Any, cluster: Any, said: str) -> None:
    with pytest.raises(AccessError, match=said) as caught:
        of(write(tmp_path / "config", user, cluster))
    assert "hunter2" not in str(caught.value)


BROKEN = [
    ("", "is not a kubeconfig"),
    ("users: [{user: {token: hunter2}}]", "every entry of users needs a name"),
    ("token: hunter2\n  x: [", "config:2: is not YAML"),
    ("clusters: []", "no current-context"),
    ("current-context: a", 'no context "a"; there is none'),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_a_broken_file_is_named_without_its_secrets(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(AccessError, match=said) as caught:
        of(path)
    assert str(path) in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_token_file_that_was_never_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="credentials cannot be read"):
        await of(write(tmp_path / "c", {"tokenFile": "none"})).credentials.get()


def test_nothing_secret_is_printed(tmp_path: Path) -> None:
    access = of(write(tmp_path / "c", {"token": "hunter2"}))
    credential = Credential("hunter2", "PEM", "hunter2")
    assert "hunter2" not in f"{access} {access!r} {credential} {credential!r}"
