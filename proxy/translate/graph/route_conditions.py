"""What translation can find about routes: where they attach, and their rules; their backends are in `conditions`."""

from proxy.translate.graph.conditions import ACCEPTED, ADVICE, Finding, unresolved, unsupported_value

# --- attachment -------------------------------------------------------------------------------


def unknown_parent(field: str, kind: str, name: str, hint: str) -> Finding:
    """Advice, as the API wants nothing written for a parent that is not there."""
    return Finding(ADVICE, "", field, f"there is no {kind} {name}", hint)


def unknown_parent_kind(field: str, kind: str, group: str) -> Finding:
    named = f"{kind}.{group}" if group else f"{kind} (core)"
    return Finding(
        ADVICE,
        "",
        field,
        f"routes do not attach to {named} here, so this parent is somebody else's or nobody's",
        "use a Gateway or a ListenerSet",
        "notice",
    )


def no_matching_parent(field: str, parent: str, wanted: str, hint: str) -> Finding:
    return Finding(ACCEPTED, "NoMatchingParent", field, f"{parent} has no listener with {wanted}", hint)


def not_allowed(field: str, message: str, hint: str) -> Finding:
    return Finding(ACCEPTED, "NotAllowedByListeners", field, message, hint)


def no_matching_hostname(field: str, hostnames: str, listeners: str) -> Finding:
    return Finding(
        ACCEPTED,
        "NoMatchingListenerHostname",
        field,
        f"none of {hostnames} lies within the hostnames of the listeners: {listeners}",
        "*.example.com covers a.example.com and a.b.example.com, but not example.com",
    )


def other_kind(field: str, winner: str) -> Finding:
    """The API gives no reason for it (GRPCRoute); a listener of which another has the hostname says the same."""
    return Finding(
        ACCEPTED,
        "HostnameConflict",
        field,
        f"{winner} is senior and serves hosts of this route on the same listener, and the two kinds share none",
        "give the two routes hostnames that do not meet, or listeners of their own",
    )


# --- rules ------------------------------------------------------------------------------------


def bad_pattern(field: str, value: str, why: str) -> Finding:
    return unsupported_value(
        field,
        f"the regular expression {value!r} does not compile: {why}",
        "RE2 syntax is meant: no back-references and no look-around",
    )


def incompatible_filters(field: str, message: str, hint: str) -> Finding:
    return Finding(ACCEPTED, "IncompatibleFilters", field, message, hint)


def unknown_extension(field: str, group: str, kind: str, name: str, hint: str) -> Finding:
    named = f"{kind}.{group}" if group else kind
    message = f"{named} {name} is not a filter that this version knows, so requests that need it get 500"
    return unresolved("InvalidKind", field, message, hint)


def extension_not_served(field: str, kind: str, name: str, served: str) -> Finding:
    message = f"filters of kind {kind} ({name}) are not served by this version yet, so requests that need it get 500"
    return unresolved("InvalidKind", field, message, f"it serves {served}")


def extension_missing(field: str, kind: str, name: str, hint: str) -> Finding:
    message = f"there is no {kind} {name}, so requests that need it get 500"
    return unresolved("BackendNotFound", field, message, hint)


def extension_invalid(field: str, kind: str, name: str, place: str, why: str) -> Finding:
    """A reason of our own: the API has none for an object that is there and makes no sense."""
    message = f"{kind} {name} is not valid ({place}: {why}), so requests that need it get 500"
    return unresolved("InvalidFilter", field, message, "its own problems say more")


def grpc_not_served(field: str) -> Finding:
    message = "authorization servers are not spoken to over gRPC by this version yet"
    return unsupported_value(field, message, "use protocol HTTP with http:")
