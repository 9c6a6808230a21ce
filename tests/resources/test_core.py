"""Secrets do not leak, keys read well."""

import msgspec
import pytest

from proxy.resources.core import EndpointSlice, Secret
from proxy.resources.gateway import GatewayClass
from proxy.resources.kinds import KINDS
from proxy.resources.meta import ObjectKey, ObjectMeta

SECRET = Secret(
    "v1",
    "Secret",
    ObjectMeta(name="cert", namespace="shop"),
    data={"a": "aGVsbG8=", "b": "b2xk"},
    string_data={"b": "hunter2"},
)


def test_a_secret_never_prints_what_it_holds() -> None:
    assert repr(SECRET) == str(SECRET) == "Secret(shop/cert, type=Opaque, keys=[a, b])"
    assert "hunter2" not in f"{SECRET} {[SECRET]}"


def test_clear_text_of_a_secret_wins_over_base64() -> None:
    assert SECRET.value("a") == b"hello"
    assert SECRET.value("b") == b"hunter2"
    assert SECRET.value("c") is None


def test_a_slice_knows_its_service() -> None:
    meta = ObjectMeta(name="web-1", labels={"kubernetes.io/service-name": "web"})
    assert EndpointSlice("discovery.k8s.io/v1", "EndpointSlice", meta, "IPv4").service_name == "web"
    assert EndpointSlice("discovery.k8s.io/v1", "EndpointSlice", ObjectMeta(), "IPv4").service_name == ""


@pytest.mark.parametrize(("key", "text"), [(("shop", "web"), "shop/web"), (("", "penstock"), "penstock")])
def test_a_key_reads_as_namespace_and_name(key: tuple[str, str], text: str) -> None:
    assert str(ObjectKey(*key)) == text


def test_the_group_is_what_stands_before_the_version() -> None:
    assert SECRET.group == ""
    assert SECRET.key == ("shop", "cert")
    meta = {"name": "penstock"}
    value = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": meta}
    item = msgspec.convert({**value, "spec": {"controllerName": "a.b/c"}}, GatewayClass)
    assert item.group == "gateway.networking.k8s.io"


@pytest.mark.parametrize("key", KINDS)
def test_every_kind_is_named_as_its_model(key: tuple[str, str]) -> None:
    assert KINDS[key].model.__name__ == key[1]
