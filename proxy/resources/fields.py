"""Field types of the API with their limits, as the CRDs declare them.

The patterns accept what the CRDs' patterns accept, written so that no input makes them backtrack,
and they end in `\\Z`: a value that ends with a line break must not pass, as it would with `$`.
A `description` is what a user reads after "want".
"""

from typing import Annotated

from msgspec import Meta

LABEL = r"[a-z0-9]+(?:-+[a-z0-9]+)*"
SUBDOMAIN = rf"{LABEL}(?:\.{LABEL})*"
MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1
"""What a field of that width can hold; nothing beyond it can be written down for a worker."""

TOKEN = r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+"

Name = Annotated[str, Meta(min_length=1, max_length=253, description="a name of 1 to 253 characters")]
NamespaceName = Annotated[
    str,
    Meta(
        pattern=rf"^{LABEL}\Z",
        min_length=1,
        max_length=63,
        description="a namespace: up to 63 of a-z, 0-9 and '-', a letter or digit at both ends",
    ),
]
SectionName = Annotated[
    str,
    Meta(
        pattern=rf"^{SUBDOMAIN}\Z",
        min_length=1,
        max_length=253,
        description="a name of a-z, 0-9, '-' and '.', with a letter or digit at both ends",
    ),
]
Group = Annotated[
    str,
    Meta(
        pattern=rf"^(?:{SUBDOMAIN})?\Z",
        max_length=253,
        description='an API group such as gateway.networking.k8s.io, without a version; "" is the core group',
    ),
]
KindName = Annotated[
    str,
    Meta(
        pattern=r"^[a-zA-Z](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?\Z",
        min_length=1,
        max_length=63,
        description="a kind such as Service",
    ),
]
Port = Annotated[int, Meta(ge=1, le=65535)]
Weight = Annotated[int, Meta(ge=0, le=1_000_000)]
Hostname = Annotated[
    str,
    Meta(
        pattern=rf"^(?:\*\.)?{SUBDOMAIN}\Z",
        min_length=1,
        max_length=253,
        description="a lower-case host name such as shop.example.com, or *.example.com for all below it",
    ),
]
PreciseHostname = Annotated[
    str,
    Meta(
        pattern=rf"^{SUBDOMAIN}\Z",
        min_length=1,
        max_length=253,
        description="a lower-case host name such as shop.example.com, without a wildcard",
    ),
]
AbsoluteURI = Annotated[
    str,
    Meta(
        pattern=r"^[^:/?#]+://[^/?#]*[^?#]*(?:\?[^#]*)?(?:#.*)?\Z",
        min_length=1,
        max_length=253,
        description="a URI with a scheme, such as spiffe://cluster.local/ns/shop/sa/cart",
    ),
]
TrustName = Annotated[
    str,
    Meta(
        pattern=rf"^(?:System|{SUBDOMAIN}/(?:[A-Za-z0-9][-A-Za-z0-9_.]{{0,61}})?[A-Za-z0-9])\Z",
        min_length=1,
        max_length=253,
        description="System, for the CA certificates that this machine trusts",
    ),
]
HeaderName = Annotated[
    str,
    Meta(
        pattern=rf"^{TOKEN}\Z",
        min_length=1,
        max_length=256,
        description="a header name (letters, digits and !#$%&'*+-.^_`|~)",
    ),
]
CookieName = Annotated[
    str,
    Meta(
        pattern=rf"^{TOKEN}\Z",
        min_length=1,
        max_length=256,
        description="a cookie name (letters, digits and !#$%&'*+-.^_`|~)",
    ),
]
HeaderValue = Annotated[
    str,
    Meta(
        pattern=r"^[!-~]+(?:[\t ][!-~]+)*\Z",
        min_length=1,
        max_length=4096,
        description="visible ASCII, single spaces or tabs inside only, no line break",
    ),
]
QueryName = Annotated[
    str,
    Meta(
        pattern=rf"^{TOKEN}\Z",
        min_length=1,
        max_length=256,
        description="a parameter name (letters, digits and !#$%&'*+-.^_`|~)",
    ),
]
QueryValue = Annotated[str, Meta(min_length=1, max_length=1024, description="a value of 1 to 1024 characters")]
PathValue = Annotated[str, Meta(max_length=1024, description="a path of at most 1024 characters")]
Duration = Annotated[
    str,
    Meta(
        pattern=r"^(?:[0-9]{1,5}(?:h|m|s|ms)){1,4}\Z",
        description="a duration such as 500ms, 10s or 1h30m (up to four parts, each at most 5 digits)",
    ),
]
ControllerName = Annotated[
    str,
    Meta(
        pattern=rf"^{SUBDOMAIN}/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+\Z",
        min_length=1,
        max_length=253,
        description="a domain and a path, such as penstock.dev/gateway-controller",
    ),
]
ListenerProtocol = Annotated[
    str,
    Meta(
        pattern=rf"^(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?|{SUBDOMAIN}/[A-Za-z0-9]+)\Z",
        min_length=1,
        max_length=255,
        description="HTTP, HTTPS, TLS, TCP, UDP, or a protocol such as example.com/bar",
    ),
]
CorsOrigin = Annotated[
    str,
    Meta(
        pattern=r"^(?:\*|https?://(?:(?:\*\.)?[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*|\*)(?::[0-9]{1,5})?)\Z",
        min_length=1,
        max_length=253,
        description="an origin such as https://shop.example.com or https://*.example.com:8443, or *",
    ),
]
RetryCode = Annotated[int, Meta(ge=400, le=599)]
