"""What did not change is kept: the same instances, and the same outcome as translating afresh."""

from proxy.resources.meta import Resource
from proxy.resources.store import ResourceSet
from proxy.snapshot.route import DirectResponse, ExternalAuth, Fail, Mirror
from proxy.snapshot.snapshot import Snapshot
from proxy.translate.graph.nodes import RouteKey
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.translate.declare import WEB, entry, listener_set, objects

SETTINGS = TranslateSettings()


def route(name: str, host: str, service: str = "app", namespace: str = "default") -> str:
    return f"""
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: web}}]
  hostnames: [{host}]
  rules: [{{backendRefs: [{{name: {service}, port: 80, namespace: {namespace}}}]}}]
"""


SERVICE = "kind: Service\nmetadata: {name: app}\nspec: {ports: [{name: http, port: 80}]}"


def endpoints(address: str) -> str:
    return f"""
kind: EndpointSlice
metadata: {{name: app-1, labels: {{kubernetes.io/service-name: app}}}}
addressType: IPv4
ports: [{{name: http, port: 8000}}]
endpoints: [{{addresses: [{address}]}}]
"""


class World:
    """Named objects that can be replaced one by one, as a source would."""

    def __init__(self, **texts: str) -> None:
        self.objects: dict[str, Resource] = {}
        self.last: Translation | None = None
        self.change(**texts)

    def change(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.objects[name],) = objects(text)

    def translate(self) -> Translation:
        """Builds on the one before, and makes sure that starting afresh says the same."""
        resources = ResourceSet(self.objects.values())
        self.last = translate(resources, SETTINGS, self.last)
        fresh = translate(resources, SETTINGS)
        assert (self.last.snapshot.binds, self.last.snapshot.listeners) == (
            fresh.snapshot.binds,
            fresh.snapshot.listeners,
        )
        assert self.last.snapshot.buckets == fresh.snapshot.buckets
        assert self.last.snapshot.upstreams == fresh.snapshot.upstreams
        assert self.last.snapshot.l4 == fresh.snapshot.l4
        assert self.last.snapshot.upstream_tls == fresh.snapshot.upstream_tls
        assert self.last.snapshot.bundles == fresh.snapshot.bundles
        assert self.last.statuses == fresh.statuses
        assert self.last.problems == fresh.problems
        return self.last


def world() -> World:
    return World(
        web=WEB,
        one=route("one", "one.example.com"),
        two=route("two", "two.example.com"),
        app=SERVICE,
        slice=endpoints("10.0.0.1"),
    )


ONE = ("default/web/http", b"one.example.com")
TWO = ("default/web/http", b"two.example.com")


def test_nothing_changed_is_the_same_snapshot() -> None:
    here = world()
    first = here.translate().snapshot
    assert here.translate().snapshot is first
    here.change(app=SERVICE, one=route("one", "one.example.com"))
    second = here.translate().snapshot
    assert second.generation == 2, "equal text, but new objects: sources keep objects for equal text"


def test_one_changed_route_leaves_the_others_buckets_alone() -> None:
    here = world()
    first = here.translate()
    here.change(one=route("one", "one.example.com", service="other"))
    second = here.translate()
    assert second.snapshot.generation == first.snapshot.generation + 1
    assert second.snapshot.buckets[TWO] is first.snapshot.buckets[TWO]
    assert second.snapshot.buckets[ONE].rules[0].backends[0].invalid == "BackendNotFound"


def test_endpoints_come_and_go_without_touching_routes() -> None:
    here = world()
    first = here.translate()
    here.change(slice=endpoints("10.0.0.2"))
    second = here.translate()
    assert second.snapshot.buckets[ONE] is first.snapshot.buckets[ONE]
    assert second.snapshot.upstreams["default/app:80"].endpoints[0].host == "10.0.0.2"


def test_a_service_that_goes_and_comes_back() -> None:
    here = world()
    here.translate()
    del here.objects["app"]
    gone = here.translate()
    assert {bucket.rules[0].backends[0].invalid for bucket in gone.snapshot.buckets.values()} == {"BackendNotFound"}
    here.change(app=SERVICE)
    assert here.translate().snapshot.upstreams.keys() == {"default/app:80"}


def test_a_mirror_that_goes_and_comes_back_changes_the_route_that_names_it() -> None:
    here = world()
    here.change(
        one=route("one", "one.example.com").replace(
            "rules: [{",
            "rules: [{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: next, port: 80}}}], ",
        )
    )
    first = here.translate()
    assert first.snapshot.buckets[ONE].rules[0].filters == ()
    here.change(next=SERVICE.replace("app", "next"))
    second = here.translate()
    assert second.snapshot.buckets[ONE].rules[0].filters == (Mirror("default/next:80", "default/next:80"),)
    assert second.snapshot.buckets[TWO] is first.snapshot.buckets[TWO]
    assert second.snapshot.upstreams.keys() == {"default/app:80", "default/next:80"}
    del here.objects["next"]
    assert here.translate().snapshot.upstreams.keys() == {"default/app:80"}


def test_a_grant_that_is_gone_permits_nothing_at_once() -> None:
    here = world()
    here.change(
        one=route("one", "one.example.com", namespace="other"),
        app="kind: Service\nmetadata: {name: app, namespace: other}\nspec: {ports: [{name: http, port: 80}]}",
        grant="""
kind: ReferenceGrant
metadata: {name: g, namespace: other}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}]
  to: [{group: "", kind: Service}]
""",
    )
    assert here.translate().snapshot.buckets[ONE].rules[0].backends[0].upstream == "other/app:80"
    del here.objects["grant"]
    revoked = here.translate().snapshot
    assert revoked.buckets[ONE].rules[0].backends[0].invalid == "RefNotPermitted"
    assert "other/app:80" not in revoked.upstreams


def test_a_filter_object_that_comes_changes_and_goes() -> None:
    def answer(spec: str) -> str:
        meta = "{name: closed}"
        return f"{{apiVersion: penstock.dev/v1alpha1, kind: DirectResponse, metadata: {meta}, spec: {spec}}}"

    def filters(snapshot: Snapshot) -> object:
        [found] = snapshot.buckets[ONE].rules[0].filters
        return found

    here = world()
    item = "{type: ExtensionRef, extensionRef: {group: penstock.dev, kind: DirectResponse, name: closed}}"
    here.change(one=route("one", "one.example.com").replace("rules: [{", f"rules: [{{filters: [{item}], "))
    missing = here.translate().snapshot
    assert filters(missing) == Fail("filter_unresolved")
    here.change(answer=answer("{status: 503}"))
    there = here.translate().snapshot
    assert filters(there) == DirectResponse("default/closed", 503)
    assert there.buckets[TWO] is missing.buckets[TWO]
    here.change(slice=endpoints("10.0.0.2"))
    assert here.translate().snapshot.buckets[ONE] is there.buckets[ONE]
    here.change(answer=answer("{status: 404}"))
    assert filters(here.translate().snapshot) == DirectResponse("default/closed", 404)
    here.change(answer=answer("{status: 204, body: a}"))
    assert filters(here.translate().snapshot) == Fail("filter_unresolved")
    del here.objects["answer"]
    assert filters(here.translate().snapshot) == Fail("filter_unresolved")


def test_an_authorization_server_that_goes_and_comes_back() -> None:
    here = world()
    item = "{type: ExternalAuth, externalAuth: {protocol: HTTP, http: {}, backendRef: {name: auth, port: 80}}}"
    here.change(one=route("one", "one.example.com").replace("rules: [{", f"rules: [{{filters: [{item}], "))
    gone = here.translate().snapshot
    assert gone.buckets[ONE].rules[0].filters == (Fail("filter_unresolved"),)
    here.change(auth="kind: Service\nmetadata: {name: auth}\nspec: {ports: [{port: 80}]}")
    there = here.translate().snapshot
    assert there.buckets[ONE].rules[0].filters == (ExternalAuth("default/auth:80", "default/auth:80"),)
    assert "default/auth:80" in there.upstreams and there.buckets[TWO] is gone.buckets[TWO]
    del here.objects["auth"]
    again = here.translate().snapshot
    assert again.buckets[ONE].rules[0].filters == (Fail("filter_unresolved"),)
    assert "default/auth:80" not in again.upstreams


def test_a_changed_gateway_attaches_every_route_again() -> None:
    here = world()
    here.translate()
    here.change(web=WEB.replace("port: 80", 'port: 80, hostname: "two.example.com"'))
    assert here.translate().snapshot.buckets.keys() == {TWO}
    here.change(web=WEB.replace("port: 80", "port: 81"))
    again = here.translate().snapshot
    assert again.buckets.keys() == {ONE, TWO}
    assert [bind.port for bind in again.binds] == [81]


def test_a_namespace_that_gets_its_label() -> None:
    here = World(
        web="""
kind: Gateway
metadata: {name: web, namespace: infra}
spec:
  gatewayClassName: penstock
  listeners:
    - name: http
      protocol: HTTP
      port: 80
      allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: shop}}}}
""",
        one=route("one", "one.example.com").replace("name: web", "name: web, namespace: infra"),
        space="kind: Namespace\nmetadata: {name: default}",
    )
    assert not here.translate().snapshot.buckets
    here.change(space="kind: Namespace\nmetadata: {name: default, labels: {team: shop}}")
    assert len(here.translate().snapshot.buckets) == 1


def with_a_set() -> World:
    here = world()
    here.change(
        web=WEB.replace("spec:", "spec:\n  allowedListeners: {namespaces: {from: Selector, selector: {}}}"),
        added=listener_set("added", entry("http", "added.example.com")),
        three=route("three", "added.example.com").replace("{name: web}", "{name: added, kind: ListenerSet}"),
    )
    return here


ADDED = ("default/web/default/added/http", b"added.example.com")


def test_a_set_that_comes_and_goes_leaves_the_buckets_of_others_alone() -> None:
    here = with_a_set()
    first = here.translate().snapshot
    assert first.buckets.keys() == {ONE, TWO, ADDED}
    kept = here.objects.pop("added")
    second = here.translate().snapshot
    assert second.buckets.keys() == {ONE, TWO}
    here.objects["added"] = kept
    third = here.translate().snapshot
    assert third.buckets.keys() == {ONE, TWO, ADDED}
    for key in (ONE, TWO):
        assert first.buckets[key] is second.buckets[key] is third.buckets[key]


def test_with_sets_nothing_changed_is_the_same_snapshot() -> None:
    here = with_a_set()
    first = here.translate()
    second = here.translate()
    assert second.snapshot is first.snapshot
    assert (
        second.graph.attachments[RouteKey("HTTPRoute", "default", "three")]
        is first.graph.attachments[RouteKey("HTTPRoute", "default", "three")]
    )


def test_an_older_set_that_comes_later_takes_its_hostname() -> None:
    here = with_a_set()
    here.change(added=listener_set("added", entry("http", "added.example.com"), meta=STAMP % 2))
    here.translate()
    here.change(older=listener_set("older", entry("http", "added.example.com"), meta=STAMP % 1))
    assert here.translate().snapshot.buckets.keys() == {ONE, TWO}
    here.change(older=listener_set("older", entry("http", "added.example.com"), meta=STAMP % 3))
    assert here.translate().snapshot.buckets.keys() == {ONE, TWO, ADDED}


STAMP = ', creationTimestamp: "2024-01-0%dT00:00:00Z"'


def test_a_namespace_that_loses_its_label_loses_its_set() -> None:
    here = with_a_set()
    selector = "selector: {matchLabels: {team: shop}}"
    here.change(web=WEB.replace("spec:", f"spec:\n  allowedListeners: {{namespaces: {{from: Selector, {selector}}}}}"))
    here.change(space="kind: Namespace\nmetadata: {name: default, labels: {team: shop}}")
    assert here.translate().snapshot.buckets.keys() == {ONE, TWO, ADDED}
    here.change(space="kind: Namespace\nmetadata: {name: default}")
    assert here.translate().snapshot.buckets.keys() == {ONE, TWO}


def test_other_settings_start_afresh() -> None:
    resources = ResourceSet(world().objects.values())
    first = translate(resources, SETTINGS)
    moved = translate(resources, TranslateSettings(port_map={80: 8080}), first)
    assert [bind.port for bind in moved.snapshot.binds] == [8080]
    assert moved.snapshot.generation == 2


def test_answers_about_backends_that_nobody_names_any_more_are_forgotten() -> None:
    here = world()
    first = here.translate()
    asked = first.graph.routes[RouteKey("HTTPRoute", "default", "one")].rules[0].backends[0].key
    for i in range(12_000):
        first.graph.backends.resolve(asked._replace(name=f"gone-{i}"))
    second = here.translate()
    assert len(second.graph.backends._targets) < 100
    assert second.snapshot is first.snapshot


def test_an_answer_that_changes_compiles_its_own_rules_and_no_others() -> None:
    def answering(name: str) -> str:
        item = f"{{type: ExtensionRef, extensionRef: {{group: penstock.dev, kind: DirectResponse, name: {name}}}}}"
        return route(name, f"{name}.example.com").replace("rules: [{", f"rules: [{{filters: [{item}], ")

    def answer(name: str, status: int) -> str:
        kind = "apiVersion: penstock.dev/v1alpha1, kind: DirectResponse"
        return f"{{{kind}, metadata: {{name: {name}}}, spec: {{status: {status}}}}}"

    here = world()
    here.change(one=answering("one"), two=answering("two"), first=answer("one", 503), second=answer("two", 503))
    before = here.translate()
    here.change(first=answer("one", 404))
    after = here.translate()
    assert after.snapshot.buckets[ONE].rules[0].filters == (DirectResponse("default/one", 404),)
    assert after.snapshot.buckets[TWO] is before.snapshot.buckets[TWO]
    two = RouteKey("HTTPRoute", "default", "two")
    assert after.graph.routes[two] is before.graph.routes[two]
    here.change(second=answer("two", 503))
    assert here.translate().snapshot.buckets[ONE] is after.snapshot.buckets[ONE]
