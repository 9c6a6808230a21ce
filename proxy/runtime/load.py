"""From sources to a candidate: loaded, translated, and what is wrong with it."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial

from proxy.resources.problem import Problem
from proxy.snapshot.snapshot import Snapshot
from proxy.sources.base import Source
from proxy.translate.explain.origins import Locate
from proxy.translate.settings import TranslateSettings
from proxy.translate.status.build import ObjectStatus
from proxy.translate.translate import Translation, translate


class Candidate:
    """A configuration that could be installed."""

    def __init__(
        self,
        translation: Translation,
        problems: Iterable[Problem],
        durations: dict[str, float],
        compiled_rules: int = 0,
        locate: Locate = tuple,
    ) -> None:
        self.translation = translation
        self.problems = tuple(sorted(problems, key=lambda problem: problem.sort_key))
        self.durations = durations
        """Stage to seconds."""
        self.compiled_rules = compiled_rules
        """Since the candidate before: rules that had to be compiled."""
        self.locate = locate
        """Loaded.place, for explanations and for what is found later."""

    @property
    def snapshot(self) -> Snapshot:
        return self.translation.snapshot

    @property
    def statuses(self) -> list[ObjectStatus]:
        return self.translation.statuses

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    def object_counts(self) -> dict[tuple[str, str], int]:
        """(kind, "accepted" or "refused") to number. An object with an error counts as refused."""
        refused = Counter(
            kind for kind in {(p.kind, p.namespace, p.name): p.kind for p in self.errors}.values() if kind
        )
        declared = self.translation.resources.counts()
        counts = {(kind, "accepted"): max(0, number - refused[kind]) for kind, number in declared.items()}
        return counts | {(kind, "refused"): number for kind, number in refused.items()}


class Loader:
    """Remembers the translation before, so that only what changed is worked out again."""

    def __init__(self, source: Source, settings: TranslateSettings) -> None:
        self._source = source
        self._translate = partial(translate, settings=settings)
        self._previous: Translation | None = None
        self._compiled_rules = 0

    async def settle(self) -> Candidate:
        """Loads, and again with what was asked for by name, until nothing new is asked for."""
        while True:
            candidate = await asyncio.to_thread(self.load)
            if not await self._source.want(candidate.translation.wanted):
                self._compiled_rules = 0
                return candidate

    def load(self) -> Candidate:
        """Blocking: for large configurations it takes seconds, so it runs in a thread."""
        began = time.monotonic()
        loaded = self._source.load()
        read = time.monotonic()
        translation = self._translate(
            loaded.resources, previous=self._previous, held=loaded.held, told=loaded.told, now=time.time()
        )
        self._previous = translation
        self._compiled_rules += translation.compiled.compiled_rules
        problems = loaded.place((*loaded.problems, *translation.problems))
        durations = {"load": read - began, "translate": time.monotonic() - read}
        return Candidate(translation, problems, durations, self._compiled_rules, loaded.place)
