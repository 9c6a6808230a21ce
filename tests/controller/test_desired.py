"""What is meant now, and how it differs from what was meant before."""

from typing import Any

from msgspec.structs import replace

from proxy.controller.cluster import ObjectRef
from proxy.controller.desired import SHARED, Desired
from proxy.resources.httproute import HTTPRoute, HTTPRouteSpec
from proxy.resources.meta import ObjectKey, ObjectMeta
from proxy.resources.store import ResourceSet
from proxy.translate.status.build import ObjectStatus
from tests.controller.world import meant

V1 = ("v1.6.1", "standard")
CLASS = ObjectStatus("GatewayClass", ObjectKey("", "penstock"), meant())


def of_route(name: str, **status: Any) -> ObjectStatus:
    return ObjectStatus("HTTPRoute", ObjectKey("default", name), status or meant())


def target(name: str) -> ObjectRef:
    return ObjectRef("HTTPRoute", ObjectKey("default", name))


def routes(*names: str) -> ResourceSet:
    meta = [ObjectMeta(name=name, namespace="default") for name in names]
    return ResourceSet([HTTPRoute("gateway.networking.k8s.io/v1", "HTTPRoute", each, HTTPRouteSpec()) for each in meta])


def test_what_is_new_otherwise_and_gone() -> None:
    desired = Desired()
    a, b, c = of_route("a"), of_route("b"), of_route("c")
    assert desired.update([a, b, c], None) == ([target("a"), target("b"), target("c")], [])
    other = of_route("b", conditions=[])
    assert desired.update([a, other], None) == ([target("b")], [target("c")])
    assert desired.statuses == {target("a"): a.status, target("b"): other.status}
    assert desired.update([a, other], None) == ([], [])


def test_equal_is_as_good_as_the_same() -> None:
    desired = Desired()
    desired.update([of_route("a")], None)
    assert desired.update([of_route("a")], None) == ([], [])


def test_an_object_made_again_by_the_same_name_holds_nothing_yet() -> None:
    """HTTPRouteBackendRequestHeaderModifier, whose route has the name of one that was deleted a moment before."""
    desired = Desired()
    desired.update([replace(of_route("a"), uid="first")], None)
    assert desired.update([replace(of_route("a"), uid="second")], None) == ([target("a")], [])


def test_what_comes_back_is_meant_anew() -> None:
    desired = Desired()
    a = of_route("a")
    desired.update([a], None)
    assert desired.update([], None) == ([], [target("a")])
    assert desired.update([a], None) == ([target("a")], [])


def test_a_class_changes_with_the_version_of_the_api() -> None:
    desired = Desired()
    desired.update([CLASS, of_route("a")], None)
    changed, gone = desired.update([CLASS, *[]], V1)
    assert (changed, gone) == ([ObjectRef("GatewayClass", CLASS.key)], [target("a")])
    assert [item["type"] for item in desired.statuses[changed[0]]["conditions"]] == ["Accepted", "SupportedVersion"]
    assert desired.update([CLASS], V1) == ([], [])


def test_routes_without_a_status_are_told_once() -> None:
    desired = Desired()
    desired.update([of_route("ours")], None)
    assert desired.newly_bare(routes("ours", "theirs")) == [target("theirs")]
    assert desired.newly_bare(routes("ours", "theirs")) == []
    desired.update([], None)
    assert desired.newly_bare(routes("ours", "theirs")) == [target("ours")]
    assert desired.bare == [target("ours"), target("theirs")]
    assert desired.newly_bare(routes("theirs")) == []
    assert desired.newly_bare(routes("ours", "theirs")) == [target("ours")]


def test_only_what_several_controllers_write_can_be_bare() -> None:
    assert "HTTPRoute" in SHARED
    assert not {"Gateway", "GatewayClass", "ReferenceGrant"} & SHARED.keys()
