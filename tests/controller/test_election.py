"""Who may claim a lease, and with what record."""

from typing import Any

import pytest

from proxy.controller.election import LEASE_DURATION, Election


def record(holder: str, renew: str = "t0", duration: int | None = 15, transitions: int = 3) -> dict[str, Any]:
    fields = {"holderIdentity": holder, "renewTime": renew, "acquireTime": "t", "leaseTransitions": transitions}
    return {**fields, "leaseDurationSeconds": duration} if duration else fields


def test_a_record_that_stands_still_for_its_duration_may_be_taken_over() -> None:
    election = Election("me")
    election.observe(record("other"), 100.0)
    assert not election.may_claim(100.0)
    election.observe(record("other"), 110.0)
    assert not election.may_claim(114.9)
    assert election.may_claim(115.0)


def test_every_change_is_a_sign_of_life_whatever_time_it_names() -> None:
    election = Election("me")
    election.observe(record("other", "1970"), 100.0)
    election.observe(record("other", "2099"), 114.0)
    assert not election.may_claim(128.9)
    assert election.may_claim(129.0)


@pytest.mark.parametrize(
    ("seen", "may"),
    [
        (record(""), True),
        (record("me"), True),
        ({}, True),
        (record("other", duration=60), False),
        (record("other", duration=None), True),
    ],
)
def test_whose_lease_may_be_claimed(seen: dict[str, Any], may: bool) -> None:
    election = Election("me")
    election.observe(seen, 0.0)
    assert election.may_claim(LEASE_DURATION) == may


def test_the_first_claim_and_a_renewal() -> None:
    election = Election("me")
    first = election.claim(0.5)
    assert first == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "acquireTime": "1970-01-01T00:00:00.500000Z",
        "renewTime": "1970-01-01T00:00:00.500000Z",
        "leaseTransitions": 0,
    }
    election.observe(first, 1.0)
    assert election.claim(2.0) == {**first, "renewTime": "1970-01-01T00:00:02.000000Z"}


def test_a_takeover_counts() -> None:
    election = Election("me")
    election.observe(record("other"), 0.0)
    claim = election.claim(1.0)
    assert (claim["leaseTransitions"], claim["acquireTime"]) == (4, claim["renewTime"])


def test_what_is_given_back_belongs_to_nobody() -> None:
    election = Election("me")
    election.observe(record("me"), 0.0)
    given_back = election.release(1.0)
    assert (given_back["holderIdentity"], given_back["leaseDurationSeconds"]) == ("", 1)
    assert given_back["leaseTransitions"] == 3
    successor = Election("you")
    successor.observe(given_back, 0.0)
    assert successor.may_claim(0.0)
