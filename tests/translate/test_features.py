"""The table of features: what the Gateway API knows, no more and no less, and what follows from it."""

import pytest

from proxy.translate.features import (
    CLAIMED_FEATURES,
    CLAIMED_PROFILES,
    FEATURES,
    LATER_FEATURES,
    PROFILES,
    SUPPORTED_FEATURES,
    Feature,
)
from tests.conformance.catalogue import catalogue

GATEWAY_PROFILES = [profile for name, profile in catalogue().profiles.items() if name.startswith("GATEWAY-")]
CORE = frozenset[str]().union(*(profile.core for profile in GATEWAY_PROFILES))


def test_the_table_has_every_feature_that_is_not_a_meshs() -> None:
    known = [name for name in catalogue().features if not name.startswith("Mesh")]
    assert [feature.name for feature in FEATURES] == sorted(known)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_level_and_channel_are_those_of_the_suite(feature: Feature) -> None:
    assert feature.channel == catalogue().features[feature.name]
    assert (feature.level == "core") == (feature.name in CORE)


def test_the_profiles_are_the_suites() -> None:
    assert {name for name, _ in PROFILES} == {profile.name for profile in GATEWAY_PROFILES}
    for name, kind in PROFILES:
        assert kind in catalogue().profiles[name].core


def test_later_features_are_not_known_yet() -> None:
    assert not set(LATER_FEATURES) & set(catalogue().features)


def test_status_names_all_that_is_served_sorted() -> None:
    served = {feature.name for feature in FEATURES if feature.served}
    assert set(CLAIMED_FEATURES) == served
    assert list(SUPPORTED_FEATURES) == sorted(served | set(LATER_FEATURES))


def test_a_claimed_profile_has_its_core() -> None:
    for name in CLAIMED_PROFILES:
        assert catalogue().profiles[name].core <= set(CLAIMED_FEATURES)
