"""Secrets and ConfigMaps with certificates, as YAML."""

import base64

from tests.certificates import Authority, Pair


def secret(name: str, pair: Pair, meta: str = "") -> str:
    chain, key = (base64.b64encode(part).decode() for part in pair)
    return f"""
---
kind: Secret
metadata: {{name: {name}{meta}}}
type: kubernetes.io/tls
data: {{tls.crt: {chain}, tls.key: {key}}}
"""


def secret_of(name: str, chain: str, key: str, meta: str = "") -> str:
    """Of any octets, which need not be PEM."""
    encoded = (base64.b64encode(part.encode()).decode() for part in (chain, key))
    return secret(name, Pair(b"", b""), meta).replace(
        "tls.crt: , tls.key: ", "tls.crt: {}, tls.key: {}".format(*encoded)
    )


def bundle(name: str, *authorities: Authority | Pair, meta: str = "") -> str:
    pem = b"".join(each.pem if isinstance(each, Authority) else each.chain for each in authorities).decode()
    return bundle_of(name, repr(pem).replace("'", '"'), meta=meta)


def bundle_of(name: str, text: str, *, key: str = "ca.crt", meta: str = "") -> str:
    return f"""
---
kind: ConfigMap
metadata: {{name: {name}{meta}}}
data: {{{key}: {text}}}
"""


def terminates(*secrets: str, more: str = "") -> str:
    """The tls of a listener, to be added to its other fields."""
    return f", tls: {{certificateRefs: [{', '.join(f'{{name: {name}}}' for name in secrets)}]{more}}}"
