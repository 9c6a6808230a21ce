# ruff: noqa: UP031 - braces are the business of the YAML here
"""HTTPRoute: the rules that the CRD states in CEL, one row each."""

import pytest

from tests.resources.yamlset import findings, hints

HEAD = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec: %s
"""


def route(spec: str) -> str:
    return HEAD % spec


def rule(text: str) -> str:
    return route("{rules: [{%s}]}" % text)


REWRITE_PREFIX = "{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}}}"
MIRROR = "filters: [{type: RequestMirror, requestMirror: {%s}}]"
AUTH = "filters: [{type: ExternalAuth, externalAuth: {backendRef: {name: s, port: 80}, %s}}]"
REDIRECT = "{type: RequestRedirect, requestRedirect: {hostname: b.example.com}}"
SERVICE = "{name: s, port: 80}"

SOUND = [
    "{}",
    "{parentRefs: [{name: g}, {name: h}]}",
    "{parentRefs: [{name: g, sectionName: a}, {name: g, sectionName: b}]}",
    "{parentRefs: [{name: g, port: 80}, {name: g, port: 81}]}",
    "{parentRefs: [{name: g, sectionName: a, port: 80}, {name: g, sectionName: a, port: 81}]}",
    "{parentRefs: [{name: g}, {name: g, namespace: other}]}",
    "{parentRefs: [{name: g, kind: Service, group: ''}]}",
    "{hostnames: ['*.example.com', a-b.example.com, localhost]}",
    "{rules: [{matches: []}]}",
    "{rules: [{matches: [{path: {type: RegularExpression, value: '^//x[/]$'}}]}]}",
    "{rules: [{matches: [{path: {type: Exact, value: '/a%20b;c=d,e/~user'}}]}]}",
    "{rules: [{matches: [{path: {value: /..a/.b./...}}]}]}",
    "{rules: [{matches: [{headers: [{name: Foo, value: a}, {name: foo, value: b}]}]}]}",
    "{rules: [{filters: [%s], backendRefs: [%s]}]}" % (REWRITE_PREFIX, SERVICE),
    "{rules: [{filters: [%s]}]}" % REDIRECT,
    "{rules: [{backendRefs: [{name: s, kind: Backend, group: penstock.dev}]}]}",
    "{rules: [{backendRefs: [{name: s, port: 80, weight: 0}]}]}",
    "{rules: [{timeouts: {request: 10s, backendRequest: 2s}}]}",
    "{rules: [{timeouts: {request: 0s, backendRequest: 2s}}]}",
    "{rules: [{timeouts: {backendRequest: 2s}}]}",
    "{rules: [{filters: [{type: RequestMirror, requestMirror: {backendRef: %s, percent: 0}}]}]}" % SERVICE,
    "{rules: [{filters: [%s]}]}" % ", ".join(["{type: RequestMirror, requestMirror: {backendRef: %s}}" % SERVICE] * 2),
    "{rules: [{filters: [{type: CORS, cors: {allowOrigins: ['*'], allowMethods: [GET, PUT]}}]}]}",
    "{rules: [{filters: [{type: CORS, cors: {allowOrigins: ['https://*.example.com:8443']}}]}]}",
    "{rules: [{filters: [{type: ExternalAuth, externalAuth: {protocol: HTTP, http: {}, backendRef: %s}}]}]}" % SERVICE,
    "{rules: [{retry: {attempts: 2, codes: [500, 503], backoff: 100ms}}]}",
    "{rules: [{sessionPersistence: {cookieConfig: {lifetimeType: Permanent}, absoluteTimeout: 1h}}]}",
    "{rules: [{name: a}, {name: b}, {}]}",
    "{useDefaultGateways: All}",
]  # fmt: skip


@pytest.mark.parametrize("spec", SOUND)
def test_what_the_api_server_takes_is_taken(spec: str) -> None:
    assert findings(route(spec)) == []


BROKEN = [
    (route("{parentRefs: [{name: g}, {name: g}]}"), "spec.parentRefs[1]", 'refers to "g" the same way twice'),
    (route("{parentRefs: [{name: g, sectionName: a}, {name: h}, {name: g, sectionName: a}]}"),
     "spec.parentRefs[2]", 'refers to "g" the same way twice'),
    (route("{parentRefs: [{name: g, sectionName: a}, {name: g}]}"), "spec.parentRefs[1]",
     '"g" is referred to twice: both must set sectionName, or both port'),
    (route("{rules: [{name: a}, {name: a}]}"), "spec.rules[1].name", '"a" is the name of rules[0], too'),
    (rule("matches: [{path: {value: a}}]"), "spec.rules[0].matches[0].path.value",
     '"a" must begin with "/" (PathPrefix)'),
    (rule("matches: [{path: {type: Exact, value: ''}}]"), "spec.rules[0].matches[0].path.value",
     '"" must begin with "/" (Exact)'),
    *(
        (rule(f"matches: [{{path: {{value: '{path}'}}}}]"), "spec.rules[0].matches[0].path.value", message)
        for path, message in {
            "/a//b": 'must not contain "//" (PathPrefix)',
            "/a/./b": 'must not contain "/./" (PathPrefix)',
            "/a/../b": 'must not contain "/../" (PathPrefix)',
            "/a%2fb": 'must not contain "%2f" (PathPrefix)',
            "/a%2Fb": 'must not contain "%2F" (PathPrefix)',
            "/a#b": 'must not contain "#" (PathPrefix)',
            "/a/.": 'must not end with "/." (PathPrefix)',
            "/a/..": 'must not end with "/.." (PathPrefix)',
            "/a b": "'/a b' holds a character that a path cannot have",
            "/ä": "'/ä' holds a character that a path cannot have",
            "/a%zz": "'/a%zz' holds a character that a path cannot have",
            "/a?b": "'/a?b' holds a character that a path cannot have",
        }.items()
    ),
    (rule('matches: [{path: {value: "/a\\n"}}]'), "spec.rules[0].matches[0].path.value",
     "'/a\\n' holds a character that a path cannot have"),
    (rule("matches: [{headers: [{name: a, value: x}, {name: a, value: z}]}]"),
     "spec.rules[0].matches[0].headers[1].name", '"a" is listed twice'),
    (rule("matches: [{queryParams: [{name: a, value: x}, {name: a, value: z}]}]"),
     "spec.rules[0].matches[0].queryParams[1].name", '"a" is listed twice'),
    (rule("filters: [{type: URLRewrite}]"), "spec.rules[0].filters[0].urlRewrite", "required for type URLRewrite"),
    (rule("filters: [{type: CORS, cors: {}, urlRewrite: {}}]"), "spec.rules[0].filters[0].urlRewrite",
     "not allowed with type CORS"),
    (rule("filters: [{type: CORS, cors: {}}, {type: CORS, cors: {}}]"), "spec.rules[0].filters",
     "CORS can be used once, not 2 times"),
    (rule(f"filters: [{REDIRECT}, {{type: URLRewrite, urlRewrite: {{hostname: a}}}}]"), "spec.rules[0].filters",
     "RequestRedirect and URLRewrite cannot be used together"),
    (rule("filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [a, b, a]}}]"),
     "spec.rules[0].filters[0].requestHeaderModifier.remove[2]", '"a" is listed twice'),
    (rule("filters: [{type: ResponseHeaderModifier, "
          "responseHeaderModifier: {set: [{name: a, value: b}, {name: a, value: c}]}}]"),
     "spec.rules[0].filters[0].responseHeaderModifier.set[1].name", '"a" is listed twice'),
    (rule("filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath}}}]"),
     "spec.rules[0].filters[0].urlRewrite.path.replaceFullPath", "required for type ReplaceFullPath"),
    (rule("filters: [{type: RequestRedirect, requestRedirect: "
          "{path: {type: ReplaceFullPath, replaceFullPath: /a, replacePrefixMatch: /b}}}]"),
     "spec.rules[0].filters[0].requestRedirect.path.replacePrefixMatch", "not allowed with type ReplaceFullPath"),
    (rule(f"filters: [{{type: RequestMirror, requestMirror: {{backendRef: {SERVICE}, percent: 1, "
          "fraction: {numerator: 1}}}]"),
     "spec.rules[0].filters[0].requestMirror.fraction", "only one of percent and fraction can be set"),
    (rule(MIRROR % "backendRef: {name: s, port: 80}, fraction: {numerator: 101}"),
     "spec.rules[0].filters[0].requestMirror.fraction.numerator", "must not be larger than the denominator"),
    (rule("filters: [{type: RequestMirror, requestMirror: {backendRef: {name: s}}}]"),
     "spec.rules[0].filters[0].requestMirror.backendRef.port", "required when the backend is a Service"),
    (rule("filters: [{type: CORS, cors: {allowMethods: ['*', GET]}}]"),
     "spec.rules[0].filters[0].cors.allowMethods", '"*" means all and must stand alone'),
    (rule("filters: [{type: CORS, cors: {exposeHeaders: [a, a]}}]"),
     "spec.rules[0].filters[0].cors.exposeHeaders[1]", '"a" is listed twice'),
    (rule(AUTH % "protocol: GRPC"),
     "spec.rules[0].filters[0].externalAuth.grpc", "required for protocol GRPC"),
    (rule(AUTH % "protocol: HTTP, http: {path: '/ '}"),
     "spec.rules[0].filters[0].externalAuth.http.path", "holds a character that a path cannot have"),
    (rule(AUTH % "protocol: HTTP, http: {}, grpc: {}"),
     "spec.rules[0].filters[0].externalAuth.grpc", "not allowed with protocol HTTP"),
    (rule("backendRefs: [{name: s}]"), "spec.rules[0].backendRefs[0].port",
     "required when the backend is a Service"),
    (rule("backendRefs: [{name: s, port: 1, group: gateway.networking.k8s.io}]"),
     "spec.rules[0].backendRefs[0].group", "Service is in the core group"),
    (rule("backendRefs: [{name: s, port: 1, filters: [{type: CORS}]}]"),
     "spec.rules[0].backendRefs[0].filters[0].cors", "required for type CORS"),
    (rule(f"filters: [{REDIRECT}], backendRefs: [{SERVICE}]"), "spec.rules[0].backendRefs",
     "RequestRedirect cannot be used together with backendRefs"),
    (rule(f"matches: [{{}}, {{}}], filters: [{REWRITE_PREFIX}]"), "spec.rules[0].filters[0].urlRewrite.path",
     "ReplacePrefixMatch needs a rule with exactly one match, of path type PathPrefix"),
    (rule(f"matches: [{{path: {{type: Exact}}}}], backendRefs: [{{name: s, port: 1, filters: [{REWRITE_PREFIX}]}}]"),
     "spec.rules[0].backendRefs[0].filters[0].urlRewrite.path",
     "ReplacePrefixMatch needs a rule with exactly one match, of path type PathPrefix"),
    (rule("timeouts: {request: 1s, backendRequest: 1100ms}"), "spec.rules[0].timeouts.backendRequest",
     "1100ms is longer than the whole request may take (1s)"),
    (rule("retry: {codes: [500, 500]}"), "spec.rules[0].retry.codes[1]", '"500" is listed twice'),
    (rule("sessionPersistence: {type: Header, cookieConfig: {}}"), "spec.rules[0].sessionPersistence.cookieConfig",
     "not allowed with type Header"),
    (rule("sessionPersistence: {cookieConfig: {lifetimeType: Permanent}}"),
     "spec.rules[0].sessionPersistence.absoluteTimeout",
     "required when cookieConfig.lifetimeType is Permanent"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "field", "message"), BROKEN)
def test_what_the_api_server_refuses_is_refused(text: str, field: str, message: str) -> None:
    assert findings(text) == [(field, message)]


def test_all_rules_together_have_a_limit_of_matches() -> None:
    matches = "{matches: [%s]}" % ", ".join(["{}"] * 43)
    assert findings(route(f"{{rules: [{matches}, {matches}, {matches}]}}")) == [
        ("spec.rules", "129 matches in all, at most 128 are allowed")
    ]


def test_a_path_without_its_slash_is_shown_with_it() -> None:
    assert hints(rule("matches: [{path: {value: shop}}]")) == ['write "/shop"']
