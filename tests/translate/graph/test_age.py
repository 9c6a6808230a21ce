"""Seniority: the older, then by "namespace/name"."""

import pytest

from proxy.resources.core import Namespace
from proxy.resources.meta import ObjectMeta
from proxy.translate.graph.age import created, seniority


def made(stamp: str | None, namespace: str = "a", name: str = "x") -> Namespace:
    meta = ObjectMeta(name=name, namespace=namespace, creation_timestamp=stamp)
    return Namespace("v1", "Namespace", meta)


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        (None, ""),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("2024-01-01T02:00:00+02:00", "2024-01-01T00:00:00Z"),
        ("2024-01-01T00:00:00.999999Z", "2024-01-01T00:00:00Z"),
        ("yesterday", "yesterday"),
        ("0001-01-01T00:00:00+23:00", "0001-01-01T00:00:00+23:00"),
    ],
)
def test_times_are_compared_in_utc_and_whole_seconds(stamp: str | None, seconds: str) -> None:
    assert created(made(stamp)) == seconds


def test_names_are_compared_joined() -> None:
    assert seniority(made(None, "a-b")) < seniority(made(None, "a"))


def test_age_comes_before_name_and_no_age_is_oldest() -> None:
    first, second, third = made(None, name="z"), made("2024-01-01T00:00:00Z", name="b"), made("2024-01-02T00:00:00Z")
    assert sorted([third, first, second], key=seniority) == [first, second, third]
