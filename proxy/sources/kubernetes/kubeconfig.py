"""kubeconfig files to an Access, as kubectl reads them.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

import base64
import binascii
import os
from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import yaml

from proxy.sources.kubernetes.access import Access
from proxy.sources.kubernetes.credentials import Credential, Credentials, Fixed, FromFiles
from proxy.sources.kubernetes.errors import AccessError
from proxy.sources.kubernetes.exec_plugin import VERSIONS, FromProgram, Program
from proxy.sources.kubernetes.tls import Trust

Data = dict[str, Any]

SECTIONS: Final = {"clusters": "cluster", "contexts": "context", "users": "user"}
REFUSED: Final = {
    "auth-provider": "auth-provider has gone from Kubernetes: use exec",
    "username": "basic authentication has gone from Kubernetes: use a token or a certificate",
}


class Entry(NamedTuple):
    """One named entry, and the directory against which its paths count."""

    value: Data
    folder: str


class Kubeconfig(NamedTuple):
    """Several files as one: of what stands in two of them, the first counts."""

    entries: dict[str, dict[str, Entry]]
    """Section to name to entry."""
    current: str
    files: str

    def get(self, section: str, name: str) -> Entry:
        """Raises AccessError when there is no such entry."""
        found = self.entries[section].get(name)
        if found is None:
            there = ", ".join(sorted(self.entries[section])) or "none"
            raise AccessError(f'{self.files}: no {SECTIONS[section]} "{name}"; there is {there}')
        return found


# --- reading ----------------------------------------------------------------------------------


def read_kubeconfig(paths: Iterable[str], *, must_exist: bool = False) -> Kubeconfig:
    """Raises AccessError. Of several files some may be missing."""
    entries: dict[str, dict[str, Entry]] = {section: {} for section in SECTIONS}
    current, files = "", []
    for path in paths:
        if not must_exist and not os.path.exists(path):
            continue
        value = _read(path)
        files.append(path)
        current = current or _text(value, "current-context")
        for section, inner in SECTIONS.items():
            for name, entry in _named(value, section, inner, path):
                entries[section].setdefault(name, entry)
    if not files:
        raise AccessError(f"no kubeconfig: none of {', '.join(paths)} exists")
    return Kubeconfig(entries, current, ", ".join(files))


def _read(path: str) -> Data:
    try:
        with open(path, encoding="utf-8") as file:
            value = yaml.safe_load(file)
    except OSError as error:
        raise AccessError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AccessError(f"{path}: is not a kubeconfig: no UTF-8") from None
    except yaml.YAMLError as error:
        # Only where, not what: the lines around it may hold a token.
        mark = getattr(error, "problem_mark", None)
        raise AccessError(f"{path}{f':{mark.line + 1}' if mark else ''}: is not YAML") from None
    if not isinstance(value, dict):
        raise AccessError(f"{path}: is not a kubeconfig")
    return value


def _named(value: Data, section: str, inner: str, path: str) -> Iterable[tuple[str, Entry]]:
    folder = os.path.dirname(os.path.abspath(path))
    for item in value.get(section) or ():
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise AccessError(f"{path}: every entry of {section} needs a name")
        body = item.get(inner)
        yield item["name"], Entry(body if isinstance(body, dict) else {}, folder)


# --- to access --------------------------------------------------------------------------------


def access_of(config: Kubeconfig, context: str = "") -> Access:
    """`context` "" is the current one. Raises AccessError."""
    name = context or config.current
    if not name:
        raise AccessError(f"{config.files}: no current-context; choose one with --context")
    chosen = config.get("contexts", name).value
    cluster = config.get("clusters", _text(chosen, "cluster"))
    user = config.get("users", _text(chosen, "user")) if chosen.get("user") else Entry({}, "")
    return Access(
        _server(cluster, config.files),
        _credentials(user, cluster, config.files),
        _trust(cluster, config.files),
        _text(cluster.value, "tls-server-name"),
        tuple(_impersonation(user.value)),
        f"context {name} of {config.files}",
    )


def _server(cluster: Entry, files: str) -> str:
    server = _text(cluster.value, "server").rstrip("/")
    parts = urlsplit(server)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise AccessError(f"{files}: the cluster's server is not a URL such as https://10.0.0.1:6443")
    if parts.username or parts.password:
        raise AccessError(f"{files}: the cluster's server holds a password: use a token or a certificate")
    if cluster.value.get("proxy-url"):
        raise AccessError(f"{files}: proxy-url is not supported: the API server is spoken to directly")
    return server


def _trust(cluster: Entry, files: str) -> Trust:
    insecure = cluster.value.get("insecure-skip-tls-verify") is True
    data = _decoded(cluster, "certificate-authority-data", files)
    return Trust("" if data else _path(cluster, "certificate-authority"), data, insecure=insecure)


def _credentials(user: Entry, cluster: Entry, files: str) -> Credentials:
    """Data wins over a file, as kubectl has it; a token over a program."""
    for key, why in REFUSED.items():
        if user.value.get(key):
            raise AccessError(f"{files}: {why}")
    certificate = _decoded(user, "client-certificate-data", files)
    key = _decoded(user, "client-key-data", files)
    paths = [_path(user, name) for name in ("tokenFile", "client-certificate", "client-key")]
    token = _text(user.value, "token")
    if any(paths) and not (token or certificate):
        return FromFiles(*paths)
    if token or certificate:
        certificate = certificate or _contents(paths[1], files)
        return Fixed(Credential(token, certificate, key or _contents(paths[2], files)))
    if isinstance(user.value.get("exec"), dict):
        return FromProgram(_program(user, cluster, files))
    return Fixed(Credential())


def _program(user: Entry, cluster: Entry, files: str) -> Program:
    given = user.value["exec"]
    command, version = _text(given, "command"), _text(given, "apiVersion")
    if not command or version not in VERSIONS:
        raise AccessError(f"{files}: exec needs a command, and an apiVersion of {' or '.join(VERSIONS)}")
    if given.get("interactiveMode") == "Always":
        raise AccessError(f"{files}: exec wants to ask somebody (interactiveMode: Always), and nobody is there")
    if os.sep in command:
        command = os.path.join(user.folder, command)
    return Program(
        command,
        tuple(map(str, given.get("args") or ())),
        {str(item["name"]): str(item["value"]) for item in given.get("env") or ()},
        version,
        _text(given, "installHint"),
        _cluster_info(cluster) if given.get("provideClusterInfo") else None,
    )


def _cluster_info(cluster: Entry) -> Data:
    """spec.cluster of an ExecCredential: the kubeconfig's words, but for the authorities, which are data."""
    info = {
        name: cluster.value[name]
        for name in ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data")
        if cluster.value.get(name)
    }
    path = _path(cluster, "certificate-authority")
    if path and "certificate-authority-data" not in info:
        info["certificate-authority-data"] = base64.b64encode(_contents(path, path).encode()).decode()
    for extension in cluster.value.get("extensions") or ():
        if extension.get("name") == "client.authentication.k8s.io/exec":
            info["config"] = extension.get("extension")
    return info


def _impersonation(user: Data) -> Iterable[tuple[str, str]]:
    for name, header in (("as", "Impersonate-User"), ("as-uid", "Impersonate-Uid")):
        if user.get(name):
            yield header, str(user[name])
    for group in user.get("as-groups") or ():
        yield "Impersonate-Group", str(group)
    for key, values in (user.get("as-user-extra") or {}).items():
        for value in values:
            yield f"Impersonate-Extra-{quote(key, safe='')}", str(value)


# --- fields -----------------------------------------------------------------------------------


def _text(value: Data, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _path(entry: Entry, name: str) -> str:
    """Relative paths count from the kubeconfig they stand in."""
    path = _text(entry.value, name)
    return os.path.join(entry.folder, path) if path else ""


def _decoded(entry: Entry, name: str, files: str) -> str:
    text = _text(entry.value, name)
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise AccessError(f"{files}: {name} is not base64 of PEM") from None


def _contents(path: str, files: str) -> str:
    if not path:
        return ""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise AccessError(f"{files}: {path} cannot be read: {error}") from None
