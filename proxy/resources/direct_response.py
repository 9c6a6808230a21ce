"""DirectResponse (penstock.dev): an answer that a rule gives by itself, by ExtensionRef."""

from typing import Annotated

from msgspec import Meta

from proxy.resources.fields import HeaderName, HeaderValue
from proxy.resources.meta import Ignored, Model, Resource

UNSOUND = 0
"""The status of stand-ins, which nobody can answer with (resources.stand_in)."""


class ResponseHeader(Model, frozen=True):
    """A field of the answer; one name may stand there several times."""

    name: HeaderName
    value: HeaderValue


class DirectResponseSpec(Model, frozen=True):
    """DirectResponse.spec."""

    status: Annotated[int, Meta(ge=200, le=599)]
    headers: Annotated[tuple[ResponseHeader, ...], Meta(max_length=16)] = ()
    content_type: HeaderValue | None = None
    """Of the body; None is text/plain in UTF-8."""
    body: Annotated[str, Meta(max_length=16384, description="at most 16384 characters")] | None = None
    """Sent in UTF-8."""


class DirectResponse(Resource, frozen=True):
    """What a rule answers, and forwards nothing."""

    spec: DirectResponseSpec
    status: Ignored = None
