"""Filters of every type, sound and unsound, and what ExtensionRefs lead to."""

from hypothesis import strategies as st

from proxy.resources.direct_response import UNSOUND, DirectResponse, DirectResponseSpec, ResponseHeader
from proxy.resources.httproute import (
    ForwardBodyConfig,
    Fraction,
    GRPCAuthConfig,
    HTTPAuthConfig,
    HTTPCORSFilter,
    HTTPExternalAuthFilter,
    HTTPHeader,
    HTTPHeaderFilter,
    HTTPPathModifier,
    HTTPRequestMirrorFilter,
    HTTPRequestRedirectFilter,
    HTTPRouteFilter,
    HTTPURLRewriteFilter,
)
from proxy.resources.meta import BackendObjectReference, LocalObjectReference
from tests.translate.pools import (
    BACKEND_GROUPS,
    BACKEND_KINDS,
    HOSTNAMES,
    NAMES,
    NAMESPACES,
    PORTS,
    TEXTS,
    maybe,
    resource,
    tuples,
)

PATH_MODIFIERS = st.builds(
    HTTPPathModifier,
    type=st.sampled_from(["ReplaceFullPath", "ReplacePrefixMatch"]),
    replace_full_path=maybe(TEXTS),
    replace_prefix_match=maybe(TEXTS),
)
HEADERS = st.builds(
    HTTPHeaderFilter,
    set=tuples(st.builds(HTTPHeader, name=TEXTS, value=TEXTS)),
    add=tuples(st.builds(HTTPHeader, name=TEXTS, value=TEXTS)),
    remove=tuples(TEXTS),
)
BACKENDS = st.builds(
    BackendObjectReference,
    name=NAMES,
    group=BACKEND_GROUPS,
    kind=BACKEND_KINDS,
    namespace=maybe(NAMESPACES),
    port=maybe(PORTS),
)
"""What filters lead to that send requests of their own."""
FILTERS = st.builds(
    HTTPRouteFilter,
    type=st.sampled_from(
        [
            "RequestHeaderModifier",
            "ResponseHeaderModifier",
            "RequestRedirect",
            "URLRewrite",
            "ExtensionRef",
            "CORS",
            "RequestMirror",
            "ExternalAuth",
        ]
    ),
    request_header_modifier=maybe(HEADERS),
    response_header_modifier=maybe(HEADERS),
    request_redirect=maybe(
        st.builds(
            HTTPRequestRedirectFilter,
            scheme=st.sampled_from([None, "http", "https"]),
            hostname=maybe(HOSTNAMES),
            path=maybe(PATH_MODIFIERS),
            port=maybe(PORTS),
        )
    ),
    url_rewrite=maybe(st.builds(HTTPURLRewriteFilter, hostname=maybe(HOSTNAMES), path=maybe(PATH_MODIFIERS))),
    request_mirror=maybe(
        st.builds(
            HTTPRequestMirrorFilter,
            backend_ref=BACKENDS,
            percent=maybe(st.integers(-1, 101)),
            fraction=maybe(st.builds(Fraction, numerator=st.integers(-1, 3), denominator=st.integers(-1, 3))),
        )
    ),
    cors=maybe(
        st.builds(
            HTTPCORSFilter,
            allow_origins=tuples(
                st.sampled_from(["*", "https://*", "https://a.example.com:443", "http://*.a:99999", "a"])
            ),
            allow_credentials=st.sampled_from([None, True, False]),
            allow_methods=tuples(st.sampled_from(["*", "GET", "PUT"])),
            allow_headers=tuples(TEXTS),
            expose_headers=tuples(TEXTS),
            max_age=st.integers(0, 2),
        )
    ),
    external_auth=maybe(
        st.builds(
            HTTPExternalAuthFilter,
            protocol=st.sampled_from(["HTTP", "HTTP", "GRPC"]),
            backend_ref=BACKENDS,
            grpc=maybe(st.just(GRPCAuthConfig())),
            http=maybe(
                st.builds(
                    HTTPAuthConfig,
                    path=st.sampled_from([None, "", "/", "/ask", "/ask/", "ask", "//a", "/%2e", "/a?b"]),
                    allowed_headers=tuples(TEXTS),
                    allowed_response_headers=tuples(TEXTS),
                )
            ),
            forward_body=maybe(st.builds(ForwardBodyConfig, max_size=st.sampled_from([None, 0, 9, -1, 10**9]))),
        )
    ),
    extension_ref=maybe(
        st.builds(
            LocalObjectReference,
            group=st.sampled_from(["penstock.dev", "penstock.dev", "penstock.dev", "", "example.com"]),
            kind=st.sampled_from(["DirectResponse", "DirectResponse", "DirectResponse", "RateLimit", "Odd"]),
            name=NAMES,
        )
    ),
)
DIRECT_RESPONSES = resource(
    DirectResponse,
    "penstock.dev/v1alpha1",
    spec=st.builds(
        DirectResponseSpec,
        status=st.sampled_from([200, 204, 404, 503, UNSOUND, 99]),
        headers=tuples(st.builds(ResponseHeader, name=TEXTS, value=TEXTS)),
        content_type=st.sampled_from([None, None, "text/html"]),
        body=st.sampled_from([None, "", "closed", "\ud800"]),
    ),
)
