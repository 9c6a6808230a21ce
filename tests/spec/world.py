"""One sound object of each kind with every field that it has, and calm neighbours that nothing may disturb."""

from copy import deepcopy
from functools import cache
from typing import Any

from tests.certificates import Authority, pair
from tests.spec.certificates import bundle, secret
from tests.spec.declared import objects

CALM = """
---
kind: Gateway
metadata: {name: web, namespace: calm}
spec:
  gatewayClassName: penstock
  addresses: [{type: IPAddress, value: 127.0.0.9}]
  listeners: [{name: http, protocol: HTTP, port: 80}]
  allowedListeners: {namespaces: {from: Same}}
---
kind: ListenerSet
metadata: {name: set, namespace: calm}
spec: {parentRef: {name: web}, listeners: [{name: more, protocol: HTTP, port: 81}]}
---
kind: HTTPRoute
metadata: {name: r, namespace: calm}
spec:
  parentRefs: [{name: web}, {kind: ListenerSet, name: set}]
  rules: [{backendRefs: [{name: app, port: 80}]}]
---
kind: Service
metadata: {name: app, namespace: calm}
spec: {ports: [{name: http, port: 80}]}
---
kind: EndpointSlice
metadata: {name: app-1, namespace: calm, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
ports: [{name: http, port: 8000}]
endpoints: [{addresses: [127.0.0.1]}]
---
kind: BackendTLSPolicy
metadata: {name: p, namespace: calm}
spec:
  targetRefs: [{group: "", kind: Service, name: app}]
  validation: {hostname: app.example, wellKnownCACertificates: System}
"""

SOUND = """
---
kind: Gateway
metadata: {name: web, generation: 3, labels: {team: a}, annotations: {note: b}}
spec:
  gatewayClassName: penstock
  addresses: [{type: IPAddress, value: 127.0.0.2}]
  infrastructure: {labels: {a: b}, annotations: {c: d}}
  allowedListeners: {namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: default}}}}
  tls:
    backend: {clientCertificateRef: {group: "", kind: Secret, name: cert, namespace: default}}
    frontend:
      default: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}], mode: AllowValidOnly}}
      perPort:
      - port: 443
        tls: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: ca, namespace: default}]}}
  listeners:
  - name: http
    protocol: HTTP
    port: 80
    hostname: "*.example.com"
    allowedRoutes:
      namespaces: {from: Selector, selector: {matchExpressions: [{key: team, operator: NotIn, values: [b]}]}}
      kinds: [{group: gateway.networking.k8s.io, kind: HTTPRoute}]
  - name: https
    protocol: HTTPS
    port: 443
    hostname: shop.example.com
    tls: {mode: Terminate, certificateRefs: [{group: "", kind: Secret, name: cert, namespace: default}]}
---
kind: ListenerSet
metadata: {name: set}
spec:
  parentRef: {group: gateway.networking.k8s.io, kind: Gateway, name: web, namespace: default}
  listeners:
  - name: added
    protocol: HTTPS
    port: 443
    hostname: added.example.com
    tls: {mode: Terminate, certificateRefs: [{name: cert}]}
    allowedRoutes: {namespaces: {from: Same}, kinds: [{kind: HTTPRoute}]}
---
kind: BackendTLSPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: "", kind: Service, name: app, sectionName: http}]
  validation:
    hostname: app.example
    caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]
    subjectAltNames: [{type: Hostname, hostname: app.example}, {type: URI, uri: "spiffe://app/x"}]
---
kind: HTTPRoute
metadata: {name: r, generation: 3}
spec:
  parentRefs:
  - {group: gateway.networking.k8s.io, kind: Gateway, name: web, namespace: default, sectionName: http, port: 80}
  hostnames: [a.example.com, "*.b.example.com"]
  rules:
  - name: full
    matches:
    - path: {type: PathPrefix, value: /a}
      method: GET
      headers: [{type: Exact, name: x-a, value: b}]
      queryParams: [{type: Exact, name: q, value: b}]
    filters:
    - type: RequestHeaderModifier
      requestHeaderModifier: {set: [{name: x-a, value: b}], add: [{name: x-b, value: c}], remove: [x-c]}
    - type: ResponseHeaderModifier
      responseHeaderModifier: {set: [{name: x-a, value: b}], add: [{name: x-b, value: c}], remove: [x-c]}
    - type: RequestMirror
      requestMirror: {backendRef: {group: "", kind: Service, name: app, namespace: default, port: 80}, percent: 10}
    - type: RequestMirror
      requestMirror: {backendRef: {name: app, port: 80}, fraction: {numerator: 1, denominator: 3}}
    - type: CORS
      cors:
        allowOrigins: ["https://a.example", "https://*.b.example"]
        allowCredentials: true
        allowMethods: [GET, PUT]
        allowHeaders: [x-a]
        exposeHeaders: [x-b]
        maxAge: 10
    - type: URLRewrite
      urlRewrite: {hostname: c.example, path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}
    timeouts: {request: 10s, backendRequest: 2s}
    retry: {codes: [500, 503], attempts: 2, backoff: 10ms}
    backendRefs:
    - group: ""
      kind: Service
      name: app
      namespace: default
      port: 80
      weight: 2
      filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-d, value: e}]}}]
  - matches: [{path: {type: Exact, value: /redirect}}]
    filters:
    - type: RequestRedirect
      requestRedirect:
        scheme: https
        hostname: d.example
        port: 8443
        statusCode: 301
        path: {type: ReplaceFullPath, replaceFullPath: /x}
"""

BELOW = """
---
kind: Service
metadata: {name: app}
spec: {ports: [{name: http, port: 80}]}
---
kind: EndpointSlice
metadata: {name: app-1, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
ports: [{name: http, port: 8000}]
endpoints: [{addresses: [127.0.0.1]}]
"""

KINDS = ("Gateway", "ListenerSet", "BackendTLSPolicy", "HTTPRoute")
"""Whose fields are changed."""

World = list[dict[str, Any]]


def world() -> World:
    """Objects afresh; the first four are those of KINDS."""
    return deepcopy(_world())


@cache
def _world() -> World:
    return objects(SOUND + BELOW + CALM + secret("cert", pair("shop.example.com")) + bundle("ca", Authority("ca")))
