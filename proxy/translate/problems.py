"""Findings of the graph as Problems: what `penstock check` prints, with file and line."""

from collections.abc import Iterator

from proxy.resources.meta import Resource
from proxy.resources.problem import Problem
from proxy.resources.store import ResourceSet
from proxy.translate.graph.build import Graph
from proxy.translate.graph.conditions import Finding

Found = Iterator[tuple[Resource, Finding]]


def build_problems(graph: Graph, resources: ResourceSet, *, file_mode: bool) -> Iterator[Problem]:
    """In the order Gateways and their ListenerSets, policies, routes, backends, options.

    In a cluster endpoints come and go: no word of that. Nor of policies there for what others serve.
    """
    for resource, finding in (
        *_gateways(graph),
        *_sets(graph),
        *_policies(graph, file_mode=file_mode),
        *_routes(graph),
        *_backends(graph, file_mode=file_mode),
    ):
        yield _problem(resource, finding, resources)
    for key, why in graph.backends.useless_overrides():
        yield Problem("warning", f"--backend {key} has no effect: {why}", hint="name a Service without EndpointSlices")


def _gateways(graph: Graph) -> Found:
    for owner in graph.declared.classes.values():
        if owner.resource is not None:
            yield from ((owner.resource, finding) for finding in owner.findings)
    for gateway in graph.gateways.values():
        yield from ((gateway.resource, finding) for finding in gateway.findings)
        # What is wrong with spec.tls is found at every listener that it is for, and told once.
        found = dict.fromkeys(finding for listener in gateway.listeners for finding in listener.findings)
        yield from ((gateway.resource, finding) for finding in found)
    yield from graph.declared.advice


def _sets(graph: Graph) -> Found:
    for node in graph.listener_sets.nodes.values():
        yield from ((node.resource, finding) for finding in node.findings)
        for listener in node.listeners:
            yield from ((node.resource, finding) for finding in listener.findings)
    yield from graph.listener_sets.advice


def _routes(graph: Graph) -> Found:
    for key, node in graph.routes.items():
        attachment = graph.attachments[key]
        for finding in (*node.findings, *attachment.advice):
            yield node.resource, finding
        for parent in attachment.parents:
            if parent.finding is not None:
                yield node.resource, parent.finding
    for below, attachment in graph.l4.attached():
        for finding in (*below.findings, *attachment.advice):
            yield below.resource, finding
        for parent in attachment.parents:
            if parent.finding is not None:
                yield below.resource, parent.finding


def _policies(graph: Graph, *, file_mode: bool) -> Found:
    for key, secured in graph.policies.items():
        if file_mode or key in graph.policy_users:
            yield from ((secured.resource, finding) for finding in secured.findings)
    for key, node in graph.traffic_policies.items():
        if file_mode or key in graph.traffic_policy_users:
            yield from ((node.resource, finding) for finding in node.findings)


def _backends(graph: Graph, *, file_mode: bool) -> Found:
    for node in graph.backends.used():
        yield from (found for found in node.advice if file_mode or found[1].severity == "error")


def _problem(resource: Resource, finding: Finding, resources: ResourceSet) -> Problem:
    file, line = resources.origin(resource)
    return Problem(
        severity=finding.severity,
        message=finding.message,
        kind=resource.kind,
        namespace=resource.metadata.namespace,
        name=resource.metadata.name,
        field=finding.field,
        hint=finding.hint,
        file=file,
        line=line,
    )
