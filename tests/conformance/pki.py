"""The cluster's certificates, keys and tokens, made with openssl, and the administrator's kubeconfig."""

import base64
import json
import secrets
import subprocess
from pathlib import Path

from tests.conformance.place import API, NODE, NODE_IP, Place

_SERVER_NAMES = (
    f"subjectAltName=IP:{NODE_IP},IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:{NODE},"
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
)
_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")
_LEAF = ("-addext", _SERVER_NAMES, "-addext", "basicConstraints=critical,CA:FALSE")
_SIGNED = ("-CA", "ca.crt", "-CAkey", "ca.key", *_LEAF)


def create(place: Place) -> None:
    """ca, server (the API server's and the kubelet's) and service account keys; one token for the administrator."""
    folder = place.pki
    folder.mkdir(parents=True, mode=0o700)
    new = ("req", "-x509", *_EC)
    openssl(folder, *new, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=penstock-test-ca")
    openssl(folder, *new, *_SIGNED, "-keyout", "server.key", "-out", "server.crt", "-subj", f"/CN={NODE}")
    openssl(folder, "genrsa", "-out", "sa.key", "2048")
    openssl(folder, "rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")
    token = secrets.token_hex(16)
    (folder / "token").write_text(token)
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    write_kubeconfig(place, place.kubeconfig, "admin", token)


def openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")


def write_kubeconfig(place: Place, path: Path, user: str, token: str) -> None:
    """A kubeconfig for that user, readable for its owner only. JSON is YAML, too."""
    authority = base64.b64encode((place.pki / "ca.crt").read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": place.name,
        "clusters": [{"name": place.name, "cluster": {"server": API, "certificate-authority-data": authority}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": place.name, "context": {"cluster": place.name, "user": user}}],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=1))


def admin_token(place: Place) -> str:
    return (place.pki / "token").read_text()
