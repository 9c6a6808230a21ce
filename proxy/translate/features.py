"""Which features of the Gateway API are served. Status, conformance claims and docs/support.md all read this table."""

from typing import Literal, NamedTuple


class Feature(NamedTuple):
    """A feature by the name that pkg/features of the Gateway API gives it."""

    name: str
    level: Literal["core", "extended"]
    """Core: one of the three features that a profile of its route kind cannot be claimed without."""
    channel: Literal["standard", "experimental"]
    served: bool


FEATURES: tuple[Feature, ...] = (
    # (name, level, channel, whether it is served)
    Feature("BackendTLSPolicy", "extended", "standard", True),
    Feature("BackendTLSPolicySANValidation", "extended", "standard", True),
    Feature("GRPCRoute", "core", "standard", True),
    Feature("GRPCRouteNamedRouteRule", "extended", "standard", True),
    Feature("Gateway", "core", "standard", True),
    Feature("GatewayAddressEmpty", "extended", "standard", True),
    Feature("GatewayBackendClientCertificate", "extended", "standard", True),
    Feature("GatewayFrontendClientCertificateValidation", "extended", "standard", True),
    Feature("GatewayFrontendClientCertificateValidationInsecureFallback", "extended", "standard", True),
    Feature("GatewayHTTPListenerIsolation", "extended", "standard", True),
    Feature("GatewayHTTPSListenerDetectMisdirectedRequests", "extended", "standard", True),
    Feature("GatewayInfrastructurePropagation", "extended", "standard", True),
    Feature("GatewayPort8080", "extended", "standard", True),
    Feature("GatewayStaticAddresses", "extended", "standard", True),
    Feature("HTTPRoute", "core", "standard", True),
    Feature("HTTPRoute303RedirectStatusCode", "extended", "standard", True),
    Feature("HTTPRoute307RedirectStatusCode", "extended", "standard", True),
    Feature("HTTPRoute308RedirectStatusCode", "extended", "standard", True),
    Feature("HTTPRouteBackendProtocolH2C", "extended", "standard", True),
    Feature("HTTPRouteBackendProtocolWebSocket", "extended", "standard", True),
    Feature("HTTPRouteBackendRequestHeaderModification", "extended", "standard", True),
    Feature("HTTPRouteBackendTimeout", "extended", "standard", True),
    Feature("HTTPRouteCORS", "extended", "standard", True),
    Feature("HTTPRouteDestinationPortMatching", "extended", "experimental", True),
    Feature("HTTPRouteHostRewrite", "extended", "standard", True),
    Feature("HTTPRouteMethodMatching", "extended", "standard", True),
    Feature("HTTPRouteNamedRouteRule", "extended", "standard", True),
    Feature("HTTPRouteParentRefPort", "extended", "standard", True),
    Feature("HTTPRoutePathRedirect", "extended", "standard", True),
    Feature("HTTPRoutePathRewrite", "extended", "standard", True),
    Feature("HTTPRoutePortRedirect", "extended", "standard", True),
    Feature("HTTPRouteQueryParamMatching", "extended", "standard", True),
    Feature("HTTPRouteRequestMirror", "extended", "standard", True),
    Feature("HTTPRouteRequestMultipleMirrors", "extended", "standard", True),
    Feature("HTTPRouteRequestPercentageMirror", "extended", "standard", True),
    Feature("HTTPRouteRequestTimeout", "extended", "standard", True),
    Feature("HTTPRouteResponseHeaderModification", "extended", "standard", True),
    Feature("HTTPRouteRetry", "extended", "experimental", True),
    Feature("HTTPRouteRetryBackendTimeout", "extended", "experimental", True),
    Feature("HTTPRouteRetryConnectionError", "extended", "experimental", True),
    Feature("HTTPRouteSchemeRedirect", "extended", "standard", True),
    Feature("ListenerSet", "extended", "standard", True),
    Feature("ReferenceGrant", "core", "standard", True),
    Feature("TCPRoute", "core", "standard", True),
    Feature("TLSRoute", "core", "standard", True),
    Feature("TLSRouteModeMixed", "extended", "experimental", True),
    Feature("TLSRouteModeTerminate", "extended", "standard", True),
    Feature("UDPRoute", "core", "standard", True),
)
"""All gateway features of v1.6.1, sorted. A feature is claimed by turning its row to True."""

LATER_FEATURES: tuple[str, ...] = (
    "HTTPRouteBackendRequestRedirect",
    "HTTPRouteBackendURLRewrite",
)
"""Served, and known to the Gateway API only after v1.6.1: reported in status, not claimed of v1.6.1."""

PROFILES: tuple[tuple[str, str], ...] = (
    ("GATEWAY-HTTP", "HTTPRoute"),
    ("GATEWAY-GRPC", "GRPCRoute"),
    ("GATEWAY-TLS", "TLSRoute"),
    ("GATEWAY-TCP", "TCPRoute"),
    ("GATEWAY-UDP", "UDPRoute"),
)
"""Conformance profile to the route kind that makes it one. A profile is claimed when its kind is served."""

CLAIMED_FEATURES: tuple[str, ...] = tuple(feature.name for feature in FEATURES if feature.served)
"""What the conformance suite of v1.6.1 may be told."""

SUPPORTED_FEATURES: tuple[str, ...] = tuple(sorted((*CLAIMED_FEATURES, *LATER_FEATURES)))
"""What GatewayClass.status.supportedFeatures says: sorted, as the API wants them."""

CLAIMED_PROFILES: tuple[str, ...] = tuple(profile for profile, kind in PROFILES if kind in CLAIMED_FEATURES)
