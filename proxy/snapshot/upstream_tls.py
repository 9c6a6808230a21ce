"""UpstreamTLS: how the endpoints of a backend must identify themselves before they are sent anything."""

from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct


class SubjectName(Struct, frozen=True, array_like=True):
    """One subjectAltName that is accepted."""

    kind: Literal["DNS", "URI"]
    value: str


class UpstreamTLS(Struct, frozen=True):
    """BackendTLSPolicy.spec.validation, or Backend.spec.tls. Holds no key, only the name of one."""

    server_name: str
    """For SNI; and when there are no `names`, what the certificate must be for."""
    bundles: tuple[str, ...] = ()
    """Keys of Snapshot.bundles: whom to trust. None: whom the machine trusts."""
    names: tuple[SubjectName, ...] = ()
    """The certificate must be for one of these, whatever the server name."""
    certificate: str = ""
    """Key of Snapshot.certificates to show to endpoints; "" shows that of the listener, if it has one."""

    @property
    def digest(self) -> str:
        """Its identity, part of which is all that it refers to."""
        return sha256(msgspec.msgpack.encode(self)).hexdigest()
