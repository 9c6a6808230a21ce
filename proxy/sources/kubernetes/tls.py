"""TLS to the API server: whom we believe, and the certificate we show."""

import ssl
import tempfile
from pathlib import Path

from proxy.sources.kubernetes.credentials import Credential, RereadFile
from proxy.sources.kubernetes.errors import Unreachable


class Trust:
    """Makes an SSLContext, and another one when the authorities or our certificate have changed.

    Connections made with the old one live on until they end.
    """

    def __init__(self, ca_file: str = "", ca_data: str = "", *, insecure: bool = False) -> None:
        """PEM as a file, which is read again when it changes, or as text; neither: what the system believes."""
        self._file = RereadFile(ca_file) if ca_file else None
        self._data = ca_data
        self._insecure = insecure
        self._made_of: tuple[str, str, str] | None = None
        self._context: ssl.SSLContext | None = None

    def context(self, credential: Credential) -> ssl.SSLContext:
        """Raises Unreachable when it cannot be made and there is none yet."""
        try:
            authorities = self._file.text() if self._file else self._data
            made_of = (authorities, credential.certificate, credential.key)
            if self._context is None or made_of != self._made_of:
                self._context = _context(authorities, self._insecure)
                _show(self._context, credential)
                self._made_of = made_of
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            if self._made_of is None or self._context is None:
                raise Unreachable(f"TLS cannot be set up: {error}") from None
        return self._context


def _context(authorities: str, insecure: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authorities or None)
    # Python 3.13 turns this on; authorities of clusters often lack the key identifiers it asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _show(context: ssl.SSLContext, credential: Credential) -> None:
    """OpenSSL takes certificate and key from files only; these are ours alone and gone at once."""
    if not credential.certificate:
        return
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        paths = []
        for name, text in (("certificate", credential.certificate), ("key", credential.key)):
            path = Path(folder, name)
            path.touch(mode=0o600)
            path.write_text(text)
            paths.append(str(path))
        context.load_cert_chain(*paths)
