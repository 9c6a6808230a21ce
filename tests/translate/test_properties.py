"""What holds for every configuration, however odd."""

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.filters import build_chain
from proxy.resources.gateway import GROUP, GatewayClass, GatewayClassSpec, ParametersReference
from proxy.resources.meta import ObjectMeta, Resource
from proxy.resources.parameters import GatewayParameters, GatewayParametersSpec
from proxy.resources.store import ResourceSet
from proxy.routing.table import HostTable
from proxy.snapshot.delta import apply, decode_delta, difference, encode_delta
from proxy.snapshot.snapshot import Snapshot
from proxy.translate.graph.addresses import is_ip
from proxy.translate.settings import CONTROLLER_NAME, TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.translate.strategies import OBJECTS, PARAMETERS, SETTINGS

quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@quick
@given(OBJECTS, SETTINGS)
def test_whatever_is_declared_there_is_an_outcome(objects: list[Resource], options: TranslateSettings) -> None:
    outcome = translate(ResourceSet(objects), options)
    assert all(problem.message for problem in outcome.problems)
    for item in outcome.statuses:
        msgspec.json.encode(item.status)
    hangs_together(outcome.snapshot)


@quick
@given(OBJECTS, OBJECTS, PARAMETERS, SETTINGS)
def test_whatever_parameters_say_there_is_an_outcome(
    objects: list[Resource], others: list[Resource], spec: GatewayParametersSpec, options: TranslateSettings
) -> None:
    """All Gateways of the usual class have them. Two translations, as addresses are remembered."""
    ref = ParametersReference("penstock.dev", "GatewayParameters", "p", "default")
    owner = GatewayClass(f"{GROUP}/v1", "GatewayClass", ObjectMeta("penstock"), GatewayClassSpec(CONTROLLER_NAME, ref))
    parameters = GatewayParameters("penstock.dev/v1alpha1", "GatewayParameters", ObjectMeta("p", "default"), spec)
    first = translate(ResourceSet([owner, parameters, *objects]), options)
    second = translate(ResourceSet([owner, parameters, *objects[::2], *others]), options, first)
    for outcome in (first, second):
        hangs_together(outcome.snapshot)
        msgspec.json.encode([item.status for item in outcome.statuses])
        msgspec.json.encode([made.body for made in outcome.infrastructure.objects])
        names = [(made.kind, made.key) for made in outcome.infrastructure.objects]
        assert len(set(names)) == len(names)


def hangs_together(snapshot: Snapshot) -> None:
    """Every name in a snapshot leads to something, and the data plane can use all of it."""
    bound = [key for bind in snapshot.binds for key in bind.listeners]
    assert [listener.key for listener in snapshot.listeners.values()] == list(snapshot.listeners)
    assert set(bound) == set(snapshot.listeners)
    assert len({bind.socket for bind in snapshot.binds}) == len(snapshot.binds)
    for bind in snapshot.binds:
        hostnames = [snapshot.listeners[key].hostname for key in bind.listeners]
        assert len(set(hostnames)) == len(hostnames), "listeners of one socket are told apart by hostname"
    for upstream in snapshot.upstreams.values():
        assert not upstream.tls or upstream.tls in snapshot.upstream_tls
        assert not (upstream.invalid and (upstream.endpoints or upstream.names or upstream.tls))
        assert all(is_ip(endpoint.host) for endpoint in upstream.endpoints)
        assert not any(is_ip(name.host) or not name.host for name in upstream.names)
    assert {key for tls in snapshot.upstream_tls.values() for key in tls.bundles} == set(snapshot.bundles)
    for listener, routes in snapshot.l4.items():
        assert snapshot.listeners[listener].protocol in ("TCP", "TLS", "UDP")
        for ref in (ref for route in routes for ref in route.backends):
            assert ref.invalid if not ref.upstream else snapshot.upstreams[ref.upstream].protocol in ("tcp", "udp")
    for (listener, hostname), bucket in snapshot.buckets.items():
        assert listener in snapshot.listeners
        assert bucket.hostname == hostname
        HostTable.compile(bucket, bind=lambda rule: rule)
        for entry in bucket.entries:
            bucket.rules[entry.rule]
        for rule in bucket.rules:
            build_chain(rule.filters)
            for ref in rule.backends:
                build_chain(ref.filters)
                assert ref.invalid if not ref.upstream else ref.upstream in snapshot.upstreams


@quick
@given(OBJECTS, OBJECTS, st.randoms(use_true_random=False), SETTINGS)
def test_building_on_the_previous_translation_says_the_same_as_starting_afresh(
    objects: list[Resource], others: list[Resource], random: st.DataObject, options: TranslateSettings
) -> None:
    before = translate(ResourceSet(objects), options)
    kept = [item for item in objects if random.random() < 0.7]  # type: ignore[attr-defined]
    changed = ResourceSet([*kept, *others])
    after = translate(changed, options, before)
    assert same(after, translate(changed, options))
    assert translate(changed, options, after).snapshot is after.snapshot


def same(one: Translation, other: Translation) -> bool:
    """All but the generation."""
    generation = one.snapshot.generation
    return (
        one.snapshot == msgspec.structs.replace(other.snapshot, generation=generation)
        and one.statuses == other.statuses
        and one.problems == other.problems
    )


@quick
@given(OBJECTS, OBJECTS, SETTINGS)
def test_a_difference_turns_the_old_snapshot_into_the_new(
    objects: list[Resource], others: list[Resource], options: TranslateSettings
) -> None:
    old = translate(ResourceSet(objects), options)
    new = translate(ResourceSet([*objects[::2], *others]), options, old).snapshot
    delta = difference(old.snapshot, new)
    received = decode_delta(encode_delta(delta))
    assert received == delta
    assert apply(old.snapshot, received) == new
    assert apply(None, difference(None, new)) == new


@quick
@given(OBJECTS, st.randoms(use_true_random=False), SETTINGS)
def test_the_order_of_declarations_does_not_matter(
    objects: list[Resource], random: st.DataObject, options: TranslateSettings
) -> None:
    """Of two objects with one name the first counts, so each name is taken once here."""
    unique = list({(type(item), item.key): item for item in objects}.values())
    shuffled = unique[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = translate(ResourceSet(unique), options), translate(ResourceSet(shuffled), options)
    assert one.snapshot == other.snapshot
    assert one.statuses == other.statuses
