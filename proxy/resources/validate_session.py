"""sessionPersistence: rules across fields, of both shapes. What holds for both at once satisfies either CRD."""

from collections.abc import Iterator

from proxy.resources.problem import Finding, Path
from proxy.resources.session import SessionPersistence

_ELDER = (("sessionName", "session_name"), ("cookieConfig", "cookie_config"))
_LATER = (("cookie", "cookie"), ("header", "header"))


def validate_session(session: SessionPersistence, path: Path) -> Iterator[Finding]:
    yield from _one_shape(session, path)
    for kind, fields in (("Cookie", ("cookieConfig", "cookie")), ("Header", ("header",))):
        for field in fields:
            if _given(session, field) and session.type != kind:
                yield Finding((*path, field), f"not allowed with type {session.type}", at_key=True)
    if session.permanent and session.absolute_timeout is None:
        field = "cookie" if session.cookie is not None else "cookieConfig"
        yield Finding((*path, "absoluteTimeout"), f"required when {field}.lifetimeType is Permanent")


def _one_shape(session: SessionPersistence, path: Path) -> Iterator[Finding]:
    """No release knows fields of both."""
    later = next((field for field, _ in _LATER if _given(session, field)), None)
    elder = next((field for field, _ in _ELDER if _given(session, field)), None)
    if later is not None and elder is not None:
        hint = "the name and the lifetime belong into it, too"
        yield Finding((*path, elder), f"cannot be used together with {later}", hint, at_key=True)


def _given(session: SessionPersistence, field: str) -> bool:
    return getattr(session, dict((*_ELDER, *_LATER))[field]) is not None
