"""The table of kinds that an ExtensionRef can name: each is served as one of ours, and those to come are kept."""

from typing import get_args

from proxy.filters import FILTERS
from proxy.resources.kinds import KINDS, NOT_SERVED_YET, OWN
from proxy.snapshot.route import Filter
from proxy.translate.extensions import EXTENSIONS, TO_COME
from tests.translate.declare import objects

SOUND = {"DirectResponse": "{status: 200, body: hello}"}
"""A spec of each kind."""


def test_each_kind_is_one_of_ours() -> None:
    for kind, extension in EXTENSIONS.items():
        assert KINDS[OWN, kind].model is extension.model


def test_each_compiles_to_a_filter_that_can_be_built() -> None:
    assert SOUND.keys() == EXTENSIONS.keys()
    for kind, extension in EXTENSIONS.items():
        [item] = objects(f"{{apiVersion: {OWN}/v1alpha1, kind: {kind}, metadata: {{name: a}}, spec: {SOUND[kind]}}}")
        assert list(extension.check(item)) == []
        compiled = extension.compile(item)
        assert type(compiled) in FILTERS and type(compiled) in get_args(Filter)


def test_kinds_to_come_are_skipped_where_they_are_declared() -> None:
    assert {(OWN, kind) for kind in TO_COME} <= NOT_SERVED_YET and not TO_COME & EXTENSIONS.keys()
