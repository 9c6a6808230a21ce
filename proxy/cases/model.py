"""What a document of cases holds. Field names are those that `penstock explain --json` uses, where it has them.

A document of cases is no Kubernetes object: it has no apiVersion and no kind, only `cases`
(docs/decisions/0018-cases-beside-configuration.md).
"""

from typing import Annotated

from msgspec import Meta, Struct, field

from proxy.resources.fields import TOKEN, Duration

Text = Annotated[str, Meta(min_length=1, description="text")]
Method = Annotated[str, Meta(pattern=rf"^{TOKEN}\Z", min_length=1, description="a method such as GET")]
Percent = Annotated[float, Meta(ge=0, le=100)] | Annotated[int, Meta(ge=0, le=100)]
Status = Annotated[int, Meta(ge=100, le=599)]
Fields = dict[str, str | tuple[str, ...] | None]
"""Header name to its value, its values in order, or null where there is none."""
Shares = dict[str, Percent]
"""NAMESPACE/NAME:PORT to percent of the requests."""


class Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what is written in a document of cases."""


class RequestPart(Part, frozen=True):
    """What a client sends. Instead of all this, text: `URL` or `METHOD URL`."""

    url: Text
    """As for `penstock explain`: its port is a declared one."""
    method: Method = "GET"
    headers: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    client: Text | None = None
    """The address that it comes from; loopback when unset."""
    sni: str | None = None
    """The server name of the TLS connection; that of the URL when unset, "" for none."""
    address: Text | None = None
    """Which of the gateway's addresses is connected to, where Gateways share a port at several."""


class TimeoutsPart(Part, frozen=True, rename="camel"):
    """HTTPRouteTimeouts."""

    request: Duration | None = None
    backend_request: Duration | None = None


class RetryPart(Part, frozen=True):
    """HTTPRouteRetry."""

    codes: tuple[Status, ...] | None = None
    attempts: int | None = None
    backoff: Duration | None = None


class Expectations(Part, frozen=True):
    """What must hold; what is not set may be anything. Names without a namespace are in `default`."""

    no_match: bool | None = None
    """No rule takes it: it ends in 404."""
    route: Text | None = None
    """NAMESPACE/NAME of the route whose rule takes it."""
    rule: int | str | None = None
    """Index or name of that rule."""
    match: int | None = None
    """Index of the match of that rule."""
    listener: Text | None = None
    """NAMESPACE/GATEWAY/LISTENER, or an end of that."""
    status: Status | None = None
    """What the gateway answers by itself, whatever backend was chosen: an error, a redirect, a preflight."""
    location: str | None = None
    """Of a redirect."""
    backend: Text | None = None
    """The one backend that all requests go to."""
    backends: Shares | None = None
    """All backends with their odds."""
    path: str | None = None
    """What the backend is asked for, query included."""
    host: str | None = None
    """The Host that the backend sees."""
    headers: Fields | None = None
    """Of the request as the backend sees it, or of the gateway's own answer with `status`."""
    response_headers: Fields | None = None
    """What filters put on a response."""
    mirrors: Shares | tuple[str, ...] | None = None
    """Who gets copies, with the percentage of requests; in a list, of all requests."""
    timeouts: TimeoutsPart | None = None
    retry: RetryPart | None = None


class CasePart(Part, frozen=True):
    """One case."""

    name: Text
    """Unique in its file."""
    request: RequestPart
    expect: Expectations


class CasesDocument(Part, frozen=True):
    """One document of cases."""

    cases: Annotated[tuple[CasePart, ...], Meta(min_length=1)]
    sources: Annotated[tuple[Text, ...], Meta(min_length=1)] | None = None
    """Files and directories that the cases are about, seen from the document's own folder."""
