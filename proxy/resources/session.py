"""sessionPersistence (GEP-1619, experimental) in both shapes of the field.

v1.6.1 names the session in `sessionName` and the rest of a cookie in `cookieConfig`; the release after it has `cookie`
and `header` instead, each with its own `name`. What is the same in both stands once.
"""

from typing import Annotated, Literal

from msgspec import Meta

from proxy.resources.fields import CookieName, Duration, HeaderName
from proxy.resources.meta import Model

Lifetime = Literal["Permanent", "Session"]


class CookieConfig(Model, frozen=True):
    """sessionPersistence.cookieConfig (v1.6.1)."""

    lifetime_type: Lifetime = "Session"


class SessionCookie(Model, frozen=True):
    """sessionPersistence.cookie (after v1.6.1)."""

    name: CookieName | None = None
    path: Annotated[str, Meta(max_length=1024)] = "/"
    lifetime_type: Lifetime = "Session"


class SessionHeader(Model, frozen=True):
    """sessionPersistence.header (after v1.6.1)."""

    name: HeaderName


class SessionPersistence(Model, frozen=True):
    """A client that shows the token it was given is sent to the endpoint that it was sent to before."""

    session_name: Annotated[str, Meta(max_length=128)] | None = None
    absolute_timeout: Duration | None = None
    type: Literal["Cookie", "Header"] = "Cookie"
    cookie_config: CookieConfig | None = None
    cookie: SessionCookie | None = None
    header: SessionHeader | None = None

    @property
    def name(self) -> str | None:
        """Of the cookie or header, whichever shape says so; None where one is to be made up."""
        part = self.cookie if self.type == "Cookie" else self.header
        return part.name if part is not None and part.name is not None else self.session_name

    @property
    def permanent(self) -> bool:
        """The client is to keep the cookie beyond its own session."""
        part = self.cookie or self.cookie_config
        return self.type == "Cookie" and part is not None and part.lifetime_type == "Permanent"

    @property
    def path(self) -> str:
        """The Path of the cookie; "/" unless it says otherwise (GEP-1619, "Path")."""
        return self.cookie.path if self.cookie is not None else "/"
