"""Backends with DNS names: who writes them in a cluster need not be who runs the gateway."""

import pytest

from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.translate.declare import WEB, declare, route

CLASS = """
kind: GatewayClass
metadata: {name: penstock}
spec: {controllerName: penstock.dev/gateway-controller}
"""
TO_APP = route("[{backendRefs: [{group: penstock.dev, kind: Backend, name: app}]}]")


def leading_to(*hosts: str, file_mode: bool) -> Translation:
    endpoints = "".join(f"\n  - {{host: {host}, port: 80}}" for host in hosts)
    backend = (
        f"apiVersion: penstock.dev/v1alpha1\nkind: Backend\nmetadata: {{name: app}}\nspec:\n  endpoints:{endpoints}\n"
    )
    return translate(declare(CLASS, WEB, TO_APP, backend), TranslateSettings(file_mode=file_mode))


def names(outcome: Translation) -> list[str]:
    return [name.host for name in outcome.snapshot.upstreams["default/app"].names]


@pytest.mark.parametrize("host", ["a.b.svc.cluster.local", "cluster.local", "a.b.svc.cluster.local."])
def test_in_a_cluster_no_name_goes_around_reference_grants(host: str) -> None:
    outcome = leading_to("x.example", host, file_mode=False)
    assert names(outcome) == ["x.example"]
    assert [problem.field for problem in outcome.problems if problem.kind == "Backend"] == ["spec.endpoints[1].host"]


def test_who_writes_files_may_name_what_they_like() -> None:
    outcome = leading_to("a.b.svc.cluster.local", file_mode=True)
    assert names(outcome) == ["a.b.svc.cluster.local"] and not outcome.problems
