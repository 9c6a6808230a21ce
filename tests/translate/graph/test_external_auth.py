"""ExternalAuth filters: which settings can be followed, and what becomes of a rule with others."""

import pytest

from proxy.snapshot.route import ExternalAuth, Fail
from proxy.translate.graph.external_auth import MAX_BODY
from tests.translate.declare import APP, WEB, route, route_condition, translated

SERVER = "backendRef: {group: penstock.dev, kind: Backend, name: app}"
BACKEND = "backendRefs: [{group: penstock.dev, kind: Backend, name: app}]"

SOUND = [
    ("http: {}", ExternalAuth("default/app", "default/app")),
    ('http: {path: ""}', ExternalAuth("default/app", "default/app")),
    ("http: {path: /}", ExternalAuth("default/app", "default/app")),
    ("http: {path: /a/b/}", ExternalAuth("default/app", "default/app", b"/a/b")),
    ("http: {path: /a.b/..c/%20}", ExternalAuth("default/app", "default/app", b"/a.b/..c/%20")),
    (
        "http: {allowedHeaders: [X-A, x-a, Cookie]}",
        ExternalAuth("default/app", "default/app", sent=(b"x-a", b"cookie")),
    ),
    ("http: {allowedResponseHeaders: [X-User]}", ExternalAuth("default/app", "default/app", copied=(b"x-user",))),
    ("http: {}, forwardBody: {}", ExternalAuth("default/app", "default/app")),
    ("http: {}, forwardBody: {maxSize: 0}", ExternalAuth("default/app", "default/app")),
    (
        f"http: {{}}, forwardBody: {{maxSize: {MAX_BODY}}}",
        ExternalAuth("default/app", "default/app", body_at_most=MAX_BODY),
    ),
]


def filters_of(settings: str, protocol: str = "HTTP", server: str = SERVER) -> tuple[object, tuple[str, str]]:
    """The rule's filters, and the route's condition Accepted."""
    item = f"{{type: ExternalAuth, externalAuth: {{protocol: {protocol}, {server}, {settings}}}}}"
    sound = f"{{matches: [{{path: {{value: /sound}}}}], {BACKEND}}}"
    it = translated(WEB, APP, route(f"[{{filters: [{item}], {BACKEND}}}, {sound}]"))
    [bucket] = it.snapshot.buckets.values()
    return bucket.rules[0].filters, route_condition(it, "Accepted")


@pytest.mark.parametrize(("settings", "expected"), SOUND)
def test_what_can_be_followed(settings: str, expected: ExternalAuth) -> None:
    filters, accepted = filters_of(settings)
    assert filters == (expected,) and accepted == ("True", "Accepted")


REFUSED = [
    ("HTTP", "grpc: {}"),
    ("HTTP", "http: {}, grpc: {}"),
    ("HTTP", "forwardBody: {maxSize: 5}"),
    ("GRPC", "grpc: {}"),
    ("GRPC", "grpc: {allowedHeaders: [a]}, forwardBody: {maxSize: 5}"),
    ("GRPC", "http: {}"),
    ("HTTP", "http: {path: a}"),
    ("HTTP", "http: {path: //a}"),
    ("HTTP", "http: {path: /a/../b}"),
    ("HTTP", "http: {path: /a/.}"),
    ("HTTP", "http: {path: /a%2Fb}"),
    ("HTTP", "http: {path: /a%2eb}"),
    ("HTTP", 'http: {path: "/a?b"}'),
    ("HTTP", 'http: {path: "/a b"}'),
    ("HTTP", 'http: {path: "/a\\r\\nX: y"}'),
    ("HTTP", 'http: {allowedHeaders: [""]}'),
    ("HTTP", 'http: {allowedHeaders: ["X: Y"]}'),
    ("HTTP", 'http: {allowedResponseHeaders: ["X\\nY"]}'),
    ("HTTP", "http: {allowedResponseHeaders: [Host]}"),
    ("HTTP", "http: {allowedResponseHeaders: [Via]}"),
    ("HTTP", "http: {allowedResponseHeaders: [X-A, TRANSFER-ENCODING]}"),
    ("HTTP", f"http: {{}}, forwardBody: {{maxSize: {MAX_BODY + 1}}}"),
]


@pytest.mark.parametrize(("protocol", "settings"), REFUSED)
def test_what_cannot_be_followed_refuses_its_rule_alone(protocol: str, settings: str) -> None:
    filters, accepted = filters_of(settings, protocol)
    assert filters == (Fail("rule_invalid"),) and accepted == ("True", "Accepted")


NOWHERE = [
    ("backendRef: {name: nobody, port: 80}", "BackendNotFound"),
    ("backendRef: {name: app, kind: Pod}", "InvalidKind"),
    ("backendRef: {group: penstock.dev, kind: Backend, name: app, namespace: other}", "RefNotPermitted"),
]


@pytest.mark.parametrize(("server", "reason"), NOWHERE)
@pytest.mark.parametrize("at", ["rule", "backend"])
def test_a_server_that_is_nowhere_fails_its_requests_and_is_never_skipped(server: str, reason: str, at: str) -> None:
    item = f"{{type: ExternalAuth, externalAuth: {{protocol: HTTP, http: {{}}, {server}}}}}"
    on_backend = f"[{{backendRefs: [{{group: penstock.dev, kind: Backend, name: app, filters: [{item}]}}]}}]"
    it = translated(WEB, APP, route(f"[{{filters: [{item}], {BACKEND}}}]" if at == "rule" else on_backend))
    [bucket] = it.snapshot.buckets.values()
    [rule] = bucket.rules
    assert (rule.filters or rule.backends[0].filters) == (Fail("filter_unresolved"),)
    assert route_condition(it, "ResolvedRefs") == ("False", reason)
    assert route_condition(it, "Accepted") == ("True", "Accepted")


def test_it_is_used_once_at_a_place() -> None:
    item = f"{{type: ExternalAuth, externalAuth: {{protocol: HTTP, http: {{}}, {SERVER}}}}}"
    it = translated(WEB, APP, route(f"[{{filters: [{item}, {item}], {BACKEND}}}]"))
    assert route_condition(it, "Accepted") == ("False", "IncompatibleFilters")
