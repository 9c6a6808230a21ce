"""What translation can find about ListenerSets and their entries; all else is in `conditions`.

A set's status is read by people who may see no other object of its Gateway, so a message names what the
set refers to itself and what lies in its own namespace, and nothing of its siblings elsewhere
(ListenerSetSpec.listeners).
"""

from proxy.translate.graph.conditions import ACCEPTED, CONFLICTED, Finding, advice


def unknown_gateway(gateway: str, hint: str) -> Finding:
    """Advice, as nobody writes a status for a set whose Gateway is not there."""
    return advice("spec.parentRef.name", f"there is no Gateway {gateway}, so nobody serves this ListenerSet", hint)


def not_a_gateway(group: str, kind: str) -> Finding:
    named = f"{kind}.{group}" if group else kind
    return advice("spec.parentRef.kind", f"{named} is not a kind that ListenerSets attach to", "refer to a Gateway")


def not_allowed(gateway: str, namespace: str, rule: str) -> Finding:
    return Finding(
        ACCEPTED,
        "NotAllowed",
        "spec.parentRef",
        f"Gateway {gateway} does not let ListenerSets of namespace {namespace} attach (it allows from: {rule})",
        "set spec.allowedListeners.namespaces.from of the Gateway",
    )


def parent_not_accepted(gateway: str) -> Finding:
    return Finding(
        ACCEPTED,
        "ParentNotAccepted",
        "spec.parentRef",
        f"Gateway {gateway} is not accepted, so nothing that is added to it is served",
        f"see the conditions of Gateway {gateway}",
    )


def hostname_taken(field: str, port: int, hostname: str, holder: str) -> Finding:
    return Finding(
        CONFLICTED,
        "HostnameConflict",
        field,
        f"port {port} with {hostname or 'no hostname'} is that of {holder}, which comes first",
        "use another hostname or port",
    )


def port_taken(field: str, port: int, protocols: str, holder: str) -> Finding:
    return Finding(
        CONFLICTED,
        "ProtocolConflict",
        field,
        f"port {port} cannot carry {protocols} at once, and is that of {holder}, which comes first",
        "use another port",
    )


def port_unavailable(field: str, port: int, hostname: str, holder: str) -> Finding:
    return Finding(
        ACCEPTED,
        "PortUnavailable",
        field,
        f"port {port} with {hostname or 'no hostname'} is that of {holder}, which comes first",
        "use another port or hostname",
    )


def set_not_attached(field: str, listener_set: str, gateway: str) -> Finding:
    """About a route: its parent has no listeners that anyone could ever reach."""
    return Finding(
        ACCEPTED,
        "NoMatchingParent",
        field,
        f"ListenerSet {listener_set} is not attached to Gateway {gateway}, so it has no listeners",
        f"see the conditions of ListenerSet {listener_set}",
    )
