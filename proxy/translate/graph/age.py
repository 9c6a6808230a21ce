"""Which of two objects comes first where only one can have its way: the older, then by "namespace/name".

Compared on the joined string, as the Gateway API says: "a-b/x" comes before "a/x".
"""

from datetime import UTC, datetime

from proxy.resources.meta import Resource

_SECONDS = "%Y-%m-%dT%H:%M:%SZ"


def created(resource: Resource) -> str:
    """creationTimestamp in UTC and whole seconds, so that it sorts as text; "" when none is given."""
    stamp = resource.metadata.creation_timestamp
    if not stamp or (len(stamp) == 20 and stamp.endswith("Z")):
        return stamp or ""
    try:
        return datetime.fromisoformat(stamp).astimezone(UTC).strftime(_SECONDS)
    except (ValueError, OverflowError):
        return stamp


def seniority(resource: Resource) -> tuple[str, str]:
    """Sorts before that of every object which must yield."""
    return created(resource), str(resource.key)
