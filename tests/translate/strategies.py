"""Small resource sets of every kind, sound and unsound, for property tests.

Filters, and what their references lead to, are in `filter_strategies`; the values of all are those of `pools`.
"""

from hypothesis import strategies as st

from proxy.resources import xbackend
from proxy.resources.backendtlspolicy import (
    BackendTLSPolicy,
    BackendTLSPolicySpec,
    BackendTLSPolicyValidation,
    PolicyTargetReference,
    SubjectAltName,
)
from proxy.resources.backendtraffic import (
    BackendTrafficPolicySpec,
    BudgetDetails,
    LocalPolicyTargetReference,
    RequestRate,
    RetryConstraint,
    XBackendTrafficPolicy,
)
from proxy.resources.core import (
    SERVICE_NAME_LABEL,
    ConfigMap,
    EndpointConditions,
    EndpointSlice,
    Namespace,
    Secret,
    Service,
    ServicePort,
    ServiceSpec,
    SliceEndpoint,
    SlicePort,
)
from proxy.resources.gateway import (
    GROUP,
    AllowedListeners,
    AllowedRoutes,
    Gateway,
    GatewayClass,
    GatewayClassSpec,
    GatewayInfrastructure,
    GatewaySpec,
    GatewaySpecAddress,
    Listener,
    ListenerNamespaces,
    ListenerTLSConfig,
    ParametersReference,
    RouteGroupKind,
    RouteNamespaces,
)
from proxy.resources.httproute import (
    HTTPBackendRef,
    HTTPHeaderMatch,
    HTTPPathMatch,
    HTTPQueryParamMatch,
    HTTPRoute,
    HTTPRouteMatch,
    HTTPRouteRetry,
    HTTPRouteRule,
    HTTPRouteSpec,
    HTTPRouteTimeouts,
    ParentReference,
)
from proxy.resources.l4routes import (
    L4BackendRef,
    L4RouteRule,
    L4RouteSpec,
    TCPRoute,
    TLSRoute,
    TLSRouteSpec,
    UDPRoute,
)
from proxy.resources.listenerset import ListenerSet, ListenerSetSpec, ParentGatewayReference
from proxy.resources.meta import (
    LabelSelector,
    LabelSelectorRequirement,
    LocalObjectReference,
    Resource,
    SecretObjectReference,
)
from proxy.resources.own import Backend, BackendEndpoint, BackendSpec, BackendTLS
from proxy.resources.parameters import (
    AddressPool,
    DedicatedDeployment,
    GatewayParametersSpec,
    PortRange,
    SharedService,
)
from proxy.resources.policy import ReferenceGrant, ReferenceGrantFrom, ReferenceGrantSpec, ReferenceGrantTo
from proxy.resources.session import CookieConfig, SessionCookie, SessionHeader, SessionPersistence
from proxy.resources.xbackend import BackendPort, ExternalHostname, XBackend, XBackendSpec, XBackendTLS
from proxy.translate.settings import CONTROLLER_NAME, TranslateSettings
from tests.certificates import pair
from tests.translate.filter_strategies import DIRECT_RESPONSES, FILTERS
from tests.translate.pools import (
    BACKEND_GROUPS,
    BACKEND_KINDS,
    GROUPS,
    HOSTNAMES,
    HOSTS,
    NAMES,
    NAMESPACES,
    PORTS,
    TEXTS,
    maybe,
    resource,
    tuples,
)

AUTHORITIES = [pair("ca.example", number=number).chain.decode() for number in (0, 1)]

# --- gateways ---------------------------------------------------------------------------------

SELECTORS = st.builds(
    LabelSelector,
    match_labels=st.dictionaries(st.just("team"), st.sampled_from(["p", "q"])),
    match_expressions=tuples(
        st.builds(
            LabelSelectorRequirement,
            key=st.just("tier"),
            operator=st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
            values=tuples(st.sampled_from(["p", "q"])),
        )
    ),
)
LISTENERS = st.builds(
    Listener,
    name=NAMES,
    port=PORTS,
    protocol=st.sampled_from(["HTTP", "HTTP", "HTTPS", "HTTPS", "TLS", "TCP", "UDP", "ODD"]),
    hostname=maybe(HOSTNAMES),
    tls=maybe(
        st.builds(
            ListenerTLSConfig,
            mode=st.sampled_from(["Terminate", "Terminate", "Passthrough"]),
            certificate_refs=tuples(
                st.builds(SecretObjectReference, name=NAMES, namespace=st.sampled_from([None, None, "x"]))
            ),
        )
    ),
    allowed_routes=st.builds(
        AllowedRoutes,
        namespaces=st.builds(
            RouteNamespaces, from_=st.sampled_from(["Same", "All", "All", "Selector"]), selector=maybe(SELECTORS)
        ),
        kinds=tuples(st.builds(RouteGroupKind, kind=st.sampled_from(["HTTPRoute", "Odd"]), group=GROUPS), 1),
    ),
)
SCOPES = st.sampled_from([None, "All", "All", "None"])
GATEWAYS = resource(
    Gateway,
    "gateway.networking.k8s.io/v1",
    spec=st.builds(
        GatewaySpec,
        gateway_class_name=st.sampled_from(["penstock", "penstock", "a", "b"]),
        listeners=tuples(LISTENERS, 4),
        addresses=tuples(
            st.builds(
                GatewaySpecAddress,
                type=st.sampled_from(["IPAddress", "IPAddress", "Hostname"]),
                value=maybe(st.sampled_from(["", "127.0.0.1", "::1", "nowhere"])),
            ),
            1,
        ),
        infrastructure=maybe(
            st.builds(
                GatewayInfrastructure,
                parameters_ref=maybe(st.builds(LocalObjectReference, group=GROUPS, kind=NAMES, name=NAMES)),
            )
        ),
        allowed_listeners=st.builds(
            AllowedListeners,
            namespaces=st.builds(
                ListenerNamespaces,
                from_=st.sampled_from(["All", "All", "Same", "Selector", "None"]),
                selector=maybe(SELECTORS),
            ),
        ),
        default_scope=SCOPES,
    ),
)
LISTENER_SETS = resource(
    ListenerSet,
    "gateway.networking.k8s.io/v1",
    spec=st.builds(
        ListenerSetSpec,
        parent_ref=st.builds(
            ParentGatewayReference,
            name=NAMES,
            group=st.sampled_from([GROUP, GROUP, GROUP, ""]),
            namespace=maybe(NAMESPACES),
        ),
        listeners=tuples(LISTENERS, 3),
    ),
)
CLASSES = resource(
    GatewayClass,
    "gateway.networking.k8s.io/v1",
    spec=st.builds(
        GatewayClassSpec,
        controller_name=st.sampled_from([CONTROLLER_NAME, "example.com/other"]),
        parameters_ref=maybe(st.builds(ParametersReference, group=GROUPS, kind=NAMES, name=NAMES)),
    ),
)

# --- routes -----------------------------------------------------------------------------------

KINDS_OF_VALUE = st.sampled_from(["Exact", "RegularExpression"])
DURATIONS = st.sampled_from(["0s", "1s", "500ms", "99999h99999h", ""])
LIFETIMES = st.sampled_from(["Session", "Permanent"])
SESSIONS = st.builds(
    SessionPersistence,
    session_name=maybe(TEXTS),
    absolute_timeout=maybe(DURATIONS),
    type=st.sampled_from(["Cookie", "Header"]),
    cookie_config=maybe(st.builds(CookieConfig, lifetime_type=LIFETIMES)),
    cookie=maybe(st.builds(SessionCookie, name=maybe(TEXTS), path=TEXTS, lifetime_type=LIFETIMES)),
    header=maybe(st.builds(SessionHeader, name=TEXTS)),
)
MATCHES = st.builds(
    HTTPRouteMatch,
    path=st.builds(
        HTTPPathMatch,
        type=st.sampled_from(["Exact", "PathPrefix", "PathPrefix", "RegularExpression"]),
        value=st.one_of(
            st.sampled_from(["/", "/a", "/a/", "/a/b", "/%7Ea", "a", "/(", "/[0-9]+", ""]), st.text(max_size=3)
        ),
    ),
    headers=tuples(st.builds(HTTPHeaderMatch, name=TEXTS, value=TEXTS, type=KINDS_OF_VALUE)),
    query_params=tuples(st.builds(HTTPQueryParamMatch, name=TEXTS, value=TEXTS, type=KINDS_OF_VALUE)),
    method=st.sampled_from([None, None, "GET", "POST"]),
)
BACKEND_REFS = st.builds(
    HTTPBackendRef,
    name=NAMES,
    group=BACKEND_GROUPS,
    kind=BACKEND_KINDS,
    namespace=maybe(NAMESPACES),
    port=maybe(PORTS),
    weight=st.sampled_from([1, 0, 3, -1, 2_000_000]),
    filters=tuples(FILTERS, 1),
)
ROUTES = resource(
    HTTPRoute,
    "gateway.networking.k8s.io/v1",
    spec=st.builds(
        HTTPRouteSpec,
        parent_refs=tuples(
            st.builds(
                ParentReference,
                name=NAMES,
                group=st.sampled_from([GROUP, GROUP, GROUP, ""]),
                kind=st.sampled_from(["Gateway", "Gateway", "ListenerSet"]),
                namespace=maybe(NAMESPACES),
                section_name=maybe(NAMES),
                port=maybe(PORTS),
            ),
            3,
        ),
        hostnames=tuples(HOSTNAMES),
        rules=tuples(
            st.builds(
                HTTPRouteRule,
                name=maybe(NAMES),
                matches=tuples(MATCHES),
                filters=tuples(FILTERS),
                backend_refs=tuples(BACKEND_REFS),
                timeouts=maybe(
                    st.builds(HTTPRouteTimeouts, request=maybe(DURATIONS), backend_request=maybe(DURATIONS))
                ),
                retry=maybe(
                    st.builds(
                        HTTPRouteRetry,
                        codes=tuples(st.integers(399, 600)),
                        attempts=maybe(st.integers(0, 3)),
                        backoff=maybe(DURATIONS),
                    )
                ),
                session_persistence=maybe(SESSIONS),
            )
        ),
        use_default_gateways=SCOPES,
    ),
)

HOSTS_OF_TLS = tuples(st.sampled_from(["a.example.com", "*.example.com", "B.example.com", "192.0.2.1", ""]))
L4_RULES = tuples(
    st.builds(
        L4RouteRule,
        backend_refs=tuples(
            st.builds(
                L4BackendRef,
                name=NAMES,
                group=GROUPS,
                kind=st.sampled_from(["Service", "Service", "Backend", "Odd"]),
                namespace=maybe(NAMESPACES),
                port=maybe(PORTS),
                weight=st.integers(-1, 3),
            )
        ),
    ),
    1,
)
L4_PARENTS = tuples(
    st.builds(ParentReference, name=NAMES, namespace=maybe(NAMESPACES), section_name=maybe(NAMES), port=maybe(PORTS))
)
L4_ROUTES: st.SearchStrategy[Resource] = st.one_of(
    resource(TCPRoute, f"{GROUP}/v1", spec=st.builds(L4RouteSpec, rules=L4_RULES, parent_refs=L4_PARENTS)),
    resource(UDPRoute, f"{GROUP}/v1", spec=st.builds(L4RouteSpec, rules=L4_RULES, parent_refs=L4_PARENTS)),
    resource(
        TLSRoute,
        f"{GROUP}/v1",
        spec=st.builds(TLSRouteSpec, hostnames=HOSTS_OF_TLS, rules=L4_RULES, parent_refs=L4_PARENTS),
    ),
)

# --- what they refer to -----------------------------------------------------------------------

GRANTS = resource(
    ReferenceGrant,
    "gateway.networking.k8s.io/v1beta1",
    spec=st.builds(
        ReferenceGrantSpec,
        from_=tuples(
            st.builds(
                ReferenceGrantFrom,
                group=st.sampled_from([GROUP, GROUP, xbackend.GROUP]),
                kind=st.sampled_from(
                    ["HTTPRoute", "TCPRoute", "TLSRoute", "UDPRoute", "Gateway", "ListenerSet", "XBackend"]
                ),
                namespace=NAMESPACES,
            )
        ),
        to=tuples(
            st.builds(
                ReferenceGrantTo,
                group=GROUPS,
                kind=st.sampled_from(["Service", "Backend", "XBackend", "Secret"]),
                name=maybe(NAMES),
            )
        ),
    ),
)
SERVICES = resource(
    Service,
    "v1",
    spec=st.builds(
        ServiceSpec,
        ports=tuples(
            st.builds(
                ServicePort,
                port=PORTS,
                name=maybe(NAMES),
                protocol=st.sampled_from(["TCP", "TCP", "UDP"]),
                app_protocol=st.sampled_from(
                    [None, None, "http", "https", "kubernetes.io/h2c", "kubernetes.io/wss", "odd"]
                ),
            )
        ),
        type=st.sampled_from(["ClusterIP", "ClusterIP", "ExternalName"]),
        external_name=maybe(HOSTS),
        publish_not_ready_addresses=st.booleans(),
    ),
)
CONDITIONS = st.builds(
    EndpointConditions, ready=maybe(st.booleans()), serving=maybe(st.booleans()), terminating=maybe(st.booleans())
)
SLICES = resource(
    EndpointSlice,
    "discovery.k8s.io/v1",
    labels=st.one_of(st.just({}), NAMES.map(lambda name: {SERVICE_NAME_LABEL: name})),
    address_type=st.sampled_from(["IPv4", "IPv6", "FQDN"]),
    endpoints=tuples(
        st.builds(
            SliceEndpoint,
            addresses=tuples(st.sampled_from(["10.0.0.1", "::1", "nowhere", ""])),
            conditions=CONDITIONS,
        )
    ),
    ports=tuples(st.builds(SlicePort, name=st.one_of(st.just(""), NAMES), port=maybe(PORTS))),
)
BACKENDS = resource(
    Backend,
    "penstock.dev/v1alpha1",
    spec=st.builds(
        BackendSpec,
        endpoints=tuples(st.builds(BackendEndpoint, host=HOSTS, port=PORTS)),
        protocol=st.sampled_from(["HTTP", "HTTP", "H2C"]),
        tls=maybe(st.just(BackendTLS(hostname="x"))),
    ),
)
CA_REFS = tuples(
    st.builds(LocalObjectReference, group=st.just(""), kind=st.sampled_from(["ConfigMap", "Odd"]), name=NAMES)
)
VALIDATIONS = st.builds(
    BackendTLSPolicyValidation,
    hostname=st.sampled_from(["a.example", "b.example", "127.0.0.1"]),
    ca_certificate_refs=CA_REFS,
    well_known_ca_certificates=st.sampled_from([None, "System", "example.com/odd"]),
    subject_alt_names=tuples(
        st.builds(
            SubjectAltName,
            type=st.sampled_from(["Hostname", "URI"]),
            hostname=maybe(st.just("c.example")),
            uri=maybe(st.just("spiffe://a/b")),
        )
    ),
)
XBACKENDS = resource(
    XBackend,
    f"{xbackend.GROUP}/v1alpha1",
    spec=st.builds(
        XBackendSpec,
        type=st.just("ExternalHostname"),
        port=st.builds(BackendPort, port=PORTS),
        external_hostname=maybe(st.builds(ExternalHostname, hostname=HOSTS)),
        protocol=st.sampled_from([None, "HTTP", "HTTP2", "H2C", "TCP", "MCP"]),
        tls=maybe(
            st.builds(
                XBackendTLS,
                mode=st.sampled_from(["None", "ServerOnly", "ClientAndServer"]),
                client_certificate_ref=maybe(st.builds(SecretObjectReference, name=NAMES)),
                validation=maybe(VALIDATIONS),
            )
        ),
    ),
)
SPACES = resource(Namespace, "v1")
POLICIES = resource(
    BackendTLSPolicy,
    f"{GROUP}/v1",
    spec=st.builds(
        BackendTLSPolicySpec,
        target_refs=tuples(
            st.builds(PolicyTargetReference, group=GROUPS, kind=BACKEND_KINDS, name=NAMES, section_name=maybe(NAMES))
        ),
        validation=VALIDATIONS,
    ),
)
TRAFFIC_POLICIES = resource(
    XBackendTrafficPolicy,
    "gateway.networking.x-k8s.io/v1alpha1",
    spec=st.builds(
        BackendTrafficPolicySpec,
        target_refs=tuples(st.builds(LocalPolicyTargetReference, group=BACKEND_GROUPS, kind=BACKEND_KINDS, name=NAMES)),
        retry_constraint=maybe(
            st.builds(
                RetryConstraint,
                budget=st.builds(BudgetDetails, percent=st.integers(-1, 101), interval=DURATIONS),
                min_retry_rate=st.builds(RequestRate, count=st.integers(0, 2), interval=DURATIONS),
            )
        ),
        session_persistence=maybe(SESSIONS),
    ),
)
BUNDLES = resource(
    ConfigMap,
    "v1",
    data=st.sampled_from([{}, {"ca.crt": ""}, {"ca.crt": "odd"}, *({"ca.crt": each} for each in AUTHORITIES)]),
)
PAIRS = [pair(*names) for names in (("a.example.com",), ("*.example.com",), ("b.example.com", "a.example.com"))]
SECRETS = resource(
    Secret,
    "v1",
    type=st.sampled_from(["kubernetes.io/tls", "kubernetes.io/tls", "kubernetes.io/tls", "Opaque"]),
    string_data=st.sampled_from(
        [{}, *({"tls.crt": each.chain.decode(), "tls.key": each.key.decode()} for each in PAIRS)]
    ),
)

RESOURCES: st.SearchStrategy[Resource] = st.one_of(
    GATEWAYS,
    GATEWAYS,
    LISTENER_SETS,
    ROUTES,
    ROUTES,
    ROUTES,
    L4_ROUTES,
    L4_ROUTES,
    SERVICES,
    SLICES,
    BACKENDS,
    XBACKENDS,
    GRANTS,
    CLASSES,
    SPACES,
    POLICIES,
    TRAFFIC_POLICIES,
    BUNDLES,
    SECRETS,
    DIRECT_RESPONSES,
)
OBJECTS = st.lists(RESOURCES, max_size=12)
POOLS = st.lists(st.sampled_from(["127.0.0.1", "10.0.0.1-10.0.0.3", "2001:db8::/127", "odd"]), min_size=1, max_size=3)
PARAMETERS = st.builds(
    GatewayParametersSpec,
    addresses=maybe(st.builds(AddressPool, pool=POOLS.map(tuple), service=st.booleans())),
    service=maybe(st.builds(SharedService, target_ports=st.builds(PortRange, first=PORTS, last=PORTS))),
    deployment=maybe(st.builds(DedicatedDeployment, image=maybe(st.just("penstock:1")))),
)
"""Of all Gateways: more than one way, pools and ranges that make no sense included."""
SETTINGS = st.builds(
    TranslateSettings,
    address=st.sampled_from(["", "127.0.0.1"]),
    port_map=st.dictionaries(PORTS, PORTS, max_size=2),
    backend_overrides=st.dictionaries(
        st.sampled_from(["default/a:80", "x/b:81", "odd"]), st.just(("127.0.0.1", 9000)), max_size=2
    ),
    external_name=st.booleans(),
    file_mode=st.booleans(),
)
