"""Generated: an object that is made for a Gateway, and what all of them have in common.

Labels and annotations come from three places. Those of Gateway.spec.infrastructure win over those of
GatewayParameters, and both over ours, but for the labels by which objects find each other: under the
prefixes in RESERVED nobody writes but us. What runs with our rights, outside the Gateway's namespace, has
ours alone: labels and annotations of Pods tell admission webhooks to add containers, and with them
whoever owns one Gateway could read all that the data plane may read.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from proxy.resources.gateway import Gateway
from proxy.resources.meta import ObjectKey
from proxy.translate.graph.names import CLASS_NAME, label_value, owner_labels
from proxy.translate.graph.nodes import GatewayNode

Object = dict[str, Any]
"""As it is sent to the API server."""
Texts = Mapping[str, str]

RESERVED = ("app.kubernetes.io/", "gateway.networking.k8s.io/", "penstock.dev/", "kubernetes.io/")
APP_NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"
FOR_GATEWAY = "penstock.dev/gateway"
"""An annotation: NAMESPACE/NAME in full, which a label has no room for."""
NOTHING: Texts = {}


class Generated(Struct, frozen=True):
    """One object that is to be there, as far as we have an opinion about it."""

    gateway: ObjectKey
    """For whom it is."""
    body: Object

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.body["metadata"]["namespace"], self.body["metadata"]["name"])

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Infrastructure(Struct, frozen=True):
    """All that is to be there, and what is known of all that is not."""

    objects: tuple[Generated, ...] = ()
    settled: frozenset[ObjectKey] = frozenset()
    """Gateways that need just these objects, and no others. What there is of a Gateway that is refused for now
    stays: a typing error must not cost a load balancer its address."""


def metadata(
    node: GatewayNode,
    key: ObjectKey,
    *,
    component: str,
    labels: Texts = NOTHING,
    annotations: Texts = NOTHING,
    runs: bool = False,
) -> Object:
    """`runs`: it is what Pods run as or are made of.

    In the Gateway's own namespace it owns the object, and the garbage collector deletes the one after the other.
    Owners in other namespaces there are none: what is made there, the controller deletes by its labels.
    """
    gateway = node.resource
    ours_alone = runs and key.namespace != gateway.metadata.namespace
    infrastructure = None if ours_alone else gateway.spec.infrastructure
    given = {**labels, **(infrastructure.labels if infrastructure else NOTHING)}
    notes = _free({**annotations, **(infrastructure.annotations if infrastructure else NOTHING)})
    meta: Object = {
        "name": key.name,
        "namespace": key.namespace,
        "labels": {**_free(given), **own_labels(gateway, component)},
        "annotations": {**notes, FOR_GATEWAY: str(gateway.key)},
    }
    if key.namespace == gateway.metadata.namespace:
        meta["ownerReferences"] = [_owner(gateway)]
    return meta


def own_labels(gateway: Gateway, component: str) -> dict[str, str]:
    return {
        **selector_labels(gateway, component),
        CLASS_NAME: label_value(gateway.spec.gateway_class_name),
        APP_NAME: "penstock-gateway",
    }


def selector_labels(gateway: Gateway, component: str) -> dict[str, str]:
    """By these a Service finds its Pods. They never change."""
    return {**owner_labels(gateway.key), COMPONENT: component}


def _free(labels: Texts) -> dict[str, str]:
    return {name: value for name, value in labels.items() if not name.startswith(RESERVED)}


def _owner(gateway: Gateway) -> Object:
    return {
        "apiVersion": gateway.api_version,
        "kind": "Gateway",
        "name": gateway.metadata.name,
        "uid": gateway.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
