"""Why no connection came about, as errors of the exchange."""

from proxy.errors import ConnectFailed, ProxyError, UpstreamTLSFailed
from proxy.tls.engine import TLSFailure


def connect_error(label: str, cause: BaseException | None) -> ProxyError:
    """`label`: host:port of the endpoint."""
    if isinstance(cause, TLSFailure):
        return UpstreamTLSFailed(cause.reason, f"{label}: {cause.detail}")
    if isinstance(cause, ConnectionRefusedError):
        return ConnectFailed("connection_refused", f"{label} refused the connection")
    return ConnectFailed("unreachable", f"{label}: {cause}")
