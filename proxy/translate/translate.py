"""translate(resources) -> Translation: the only way in. Never raises for what was declared."""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from proxy.resources.meta import ObjectKey, Wanted
from proxy.resources.problem import Problem
from proxy.resources.store import ResourceSet
from proxy.routing.regex import pattern_error
from proxy.snapshot.snapshot import Snapshot
from proxy.translate.compile.build import Compiled, compile_snapshot
from proxy.translate.graph.build import Graph, build_graph
from proxy.translate.graph.matches import CheckRegex
from proxy.translate.infrastructure.build import build_infrastructure
from proxy.translate.infrastructure.objects import Infrastructure
from proxy.translate.problems import build_problems
from proxy.translate.settings import TranslateSettings
from proxy.translate.status.build import ObjectStatus, StatusMemory, build_statuses

NOTHING_HELD: Mapping[ObjectKey, tuple[str, ...]] = MappingProxyType({})


class Translation:
    """What came of one ResourceSet.

    Statuses and problems are worked out when they are asked for: a reload of many routes need not wait.
    """

    def __init__(
        self,
        resources: ResourceSet,
        settings: TranslateSettings,
        graph: Graph,
        compiled: Compiled,
        memory: StatusMemory,
    ) -> None:
        self.resources = resources
        self.settings = settings
        self.graph = graph
        self.compiled = compiled
        self.memory = memory

    @property
    def snapshot(self) -> Snapshot:
        """The very same instance as that of the translation before when nothing in it changed."""
        return self.compiled.snapshot

    @property
    def wanted(self) -> frozenset[Wanted]:
        """Objects that were asked for by name, whether they are there or not."""
        return self.graph.wanted

    @cached_property
    def statuses(self) -> list[ObjectStatus]:
        return list(build_statuses(self.graph, self.settings.controller_name, self.memory))

    @cached_property
    def infrastructure(self) -> Infrastructure:
        """What is to be made in a cluster for the Gateways."""
        return build_infrastructure(self.graph, self.settings)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """Sorted by file and line."""
        found = build_problems(self.graph, self.resources, file_mode=self.settings.file_mode)
        return tuple(sorted(found, key=lambda problem: problem.sort_key))


def translate(
    resources: ResourceSet,
    settings: TranslateSettings,
    previous: Translation | None = None,
    *,
    held: Mapping[ObjectKey, tuple[str, ...]] = NOTHING_HELD,
    told: Mapping[ObjectKey, tuple[str, ...]] = NOTHING_HELD,
    check_regex: CheckRegex = pattern_error,
    now: float = 0.0,
) -> Translation:
    """`previous` is the translation before, of which everything is kept that still holds, addresses above all;
    `held` are the addresses of Gateways that it does not know, as their statuses name them. `told` come before both:
    the addresses that another replica has given them.

    `now`, in seconds since the epoch, is what certificates are held against.
    Generations count up from 1 along the chain of translations, whatever was kept.
    """
    generation = previous.snapshot.generation + 1 if previous else 1
    if previous is not None and previous.settings != settings:
        previous = None
    graph = build_graph(resources, settings, check_regex, previous.graph if previous else None, held, told, now)
    known = previous.compiled if previous else None
    compiled = compile_snapshot(graph, known, generation=generation, session_key=settings.session_key)
    return Translation(resources, settings, graph, compiled, previous.memory if previous else StatusMemory())
