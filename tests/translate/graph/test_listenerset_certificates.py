"""Certificates of ListenerSets: read from the set's namespace, by grants to ListenerSets alone."""

import json

import pytest

from proxy.resources.meta import Wanted
from proxy.translate.translate import Translation
from tests.certificates import pair
from tests.translate.declare import condition, listener_conditions, status, translated

GOOD = pair("a.example")
CERT = {"name": "cert", "namespace": "vault"}


def secret(namespace: str) -> str:
    values = {"tls.crt": GOOD.chain.decode(), "tls.key": GOOD.key.decode()}
    meta = {"name": "cert", "namespace": namespace}
    return json.dumps({"kind": "Secret", "metadata": meta, "type": "kubernetes.io/tls", "stringData": values})


def https(hostname: str, ref: dict[str, str]) -> dict[str, object]:
    return {
        "name": "https", "protocol": "HTTPS", "port": 443, "hostname": hostname, "tls": {"certificateRefs": [ref]},
    }  # fmt: skip


def gateway(*listeners: dict[str, object], allowed: str = "All") -> str:
    spec = {
        "gatewayClassName": "penstock",
        "listeners": listeners,
        "allowedListeners": {"namespaces": {"from": allowed}},
    }
    return json.dumps({"kind": "Gateway", "metadata": {"name": "web", "namespace": "infra"}, "spec": spec})


def added(ref: dict[str, str], namespace: str = "infra") -> str:
    parent = {"name": "web", "namespace": "infra"}
    spec = {"parentRef": parent, "listeners": [https("added.example", ref)]}
    return json.dumps({"kind": "ListenerSet", "metadata": {"name": "set", "namespace": namespace}, "spec": spec})


def grant(kind: str) -> str:
    return f"""
kind: ReferenceGrant
metadata: {{name: {kind.lower()}, namespace: vault}}
spec:
  from: [{{group: gateway.networking.k8s.io, kind: {kind}, namespace: infra}}]
  to: [{{group: "", kind: Secret}}]
"""


def resolved(outcome: Translation) -> tuple[tuple[str, str], tuple[str, str]]:
    """ResolvedRefs of the Gateway's own listener and of the set's."""
    own = listener_conditions(outcome, "Gateway", "web", "https")
    return condition(own, "ResolvedRefs"), condition(
        listener_conditions(outcome, "ListenerSet", "set", "https"), "ResolvedRefs"
    )


YES, NO = ("True", "ResolvedRefs"), ("False", "RefNotPermitted")


@pytest.mark.parametrize(
    ("kinds", "own", "of_set"),
    [(["Gateway"], YES, NO), (["ListenerSet"], NO, YES), (["Gateway", "ListenerSet"], YES, YES), ([], NO, NO)],
)
def test_a_grant_is_not_inherited_either_way(kinds: list[str], own: tuple[str, str], of_set: tuple[str, str]) -> None:
    outcome = translated(gateway(https("own.example", CERT)), added(CERT), secret("vault"), *map(grant, kinds))
    assert resolved(outcome) == (own, of_set)
    conditions = status(outcome, "ListenerSet", "set")["conditions"]
    if of_set == YES:
        assert condition(conditions, "Accepted") == ("True", "Accepted")
    else:
        assert condition(conditions, "Accepted") == ("False", "ListenersNotValid")
        assert condition(conditions, "Programmed") == ("False", "ListenersNotValid")
    assert ("infra/web/infra/set/https" in outcome.snapshot.listeners) is (of_set == YES)


def test_a_secret_of_the_sets_own_namespace_needs_no_grant() -> None:
    outcome = translated(
        gateway(https("own.example", {"name": "cert"})),
        added({"name": "cert"}, "shop"),
        secret("shop"),
        secret("infra"),
    )
    assert resolved(outcome) == (YES, YES)
    [digest] = outcome.snapshot.listeners["infra/web/shop/set/https"].certificates
    assert digest in outcome.snapshot.certificates
    assert outcome.wanted == {Wanted("Secret", "shop", "cert"), Wanted("Secret", "infra", "cert")}


def test_no_secret_is_asked_for_by_a_set_that_may_not_attach() -> None:
    outcome = translated(
        gateway(https("own.example", {"name": "cert"}), allowed="None"), added({"name": "cert"}, "shop"), secret("shop")
    )
    assert outcome.wanted == {Wanted("Secret", "infra", "cert")}


def test_the_refusal_says_which_grant_is_missing() -> None:
    outcome = translated(gateway(https("own.example", CERT)), added(CERT), secret("vault"), grant("Gateway"))
    [problem] = outcome.problems
    assert problem.message == "no ReferenceGrant lets ListenerSets of namespace infra refer to Secret vault/cert"
    assert problem.hint == "add a ReferenceGrant to namespace vault: from ListenerSet in infra, to Secret cert"
