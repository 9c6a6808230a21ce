"""What can be found about the PROXY protocol, as named constructors (see graph.conditions)."""

from proxy.resources.own import PROXY_PROTOCOL
from proxy.snapshot.snapshot import ProxyHeaders
from proxy.translate.graph.conditions import ACCEPTED, Broken, Finding, advice

_MODES: dict[ProxyHeaders, str] = {"": "not set", "optional": "Optional", "required": "Required"}


def other_headers(field: str, port: int, holder: str, there: ProxyHeaders, here: ProxyHeaders) -> Finding:
    message = (
        f"port {port} is also that of {holder}, which comes first, and there proxyProtocol is {_MODES[there]}, here"
        f" {_MODES[here]}: a header comes before any host name, so it cannot depend on the listener"
    )
    hint = "say the same in the GatewayParameters of both, or use another port or address"
    return Finding(ACCEPTED, "PortUnavailable", field, message, hint)


def nobody_asked(field: str, option: str) -> Finding:
    return advice(
        field,
        f"its GatewayParameters ask trusted proxies for headers of the PROXY protocol, and {option} names nobody, so"
        " nobody is asked and no header is read",
        f"name the addresses of the load balancers: {option} 192.0.2.0/24",
    )


def silent_first(field: str) -> Finding:
    return advice(
        field,
        "behind trusted proxies nothing is passed on before the first octets have come, since a header is optional: a"
        " server that speaks first is not heard, and its client is closed when the time is up",
        "use proxyProtocol mode Required as soon as all of them send headers",
    )


def unknown_version(service: str, value: str) -> Broken:
    message = (
        f"annotation {PROXY_PROTOCOL} of Service {service} is {value!r}, which is no version of the PROXY protocol"
    )
    return Broken("UnsupportedProtocol", "name", message, "write v1 or v2, or remove it")


def shared_by_requests(what: str) -> Broken:
    """Section 2 of the specification: proxies that reuse connections "MUST NOT implement this protocol" on them."""
    return Broken(
        "UnsupportedProtocol",
        "name",
        f"connections to {what} begin with a header of the PROXY protocol, which names one client, and requests of many"
        " share a connection",
        "use a TCPRoute or a TLSRoute, or have the server read X-Forwarded-For and declare no header",
    )


def no_datagrams(what: str) -> Broken:
    message = f"{what} wants headers of the PROXY protocol, which this version does not send in datagrams"
    return Broken("UnsupportedProtocol", "name", message, "use a Service or Backend of its own for UDP, without them")
