"""ResourceSet: objects by kind and key."""

from proxy.resources.core import Namespace, Service
from proxy.resources.meta import ObjectKey, ObjectMeta
from proxy.resources.store import Origin, ResourceSet


def service(namespace: str, name: str) -> Service:
    return Service("v1", "Service", ObjectMeta(name=name, namespace=namespace))


def test_objects_are_found_by_kind_and_key() -> None:
    web, api = service("shop", "web"), service("shop", "api")
    space = Namespace("v1", "Namespace", ObjectMeta(name="shop"))
    resources = ResourceSet([web, api, space])
    assert list(resources.by_kind(Service)) == [ObjectKey("shop", "web"), ObjectKey("shop", "api")]
    assert resources.get(Service, "shop", "api") is api
    assert resources.get(Service, "other", "api") is None
    assert resources.get(Namespace, "", "shop") is space
    assert list(resources) == [web, api, space]
    assert len(resources) == 3
    assert resources.counts() == {"Service": 2, "Namespace": 1}


def test_the_first_of_two_with_one_key_counts() -> None:
    first, second = service("a", "x"), service("a", "x")
    assert ResourceSet([first, second]).get(Service, "a", "x") is first


def test_a_kind_without_objects_is_empty() -> None:
    assert ResourceSet().by_kind(Service) == {}


def test_origins_belong_to_instances() -> None:
    web = service("shop", "web")
    resources = ResourceSet([web], {id(web): Origin("a.yaml", 7)})
    assert resources.origin(web) == ("a.yaml", 7)
    assert resources.origin(service("shop", "web")) == ("", 0)
