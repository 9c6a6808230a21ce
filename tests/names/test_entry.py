"""One name: what each answer makes of it."""

import pytest

from proxy.names.answer import Answer, LookupFailed, NotFound
from proxy.names.entry import HOLD, LONGEST, MOST_ADDRESSES, SHORTEST, Entry
from proxy.snapshot.guard import Guard
from proxy.snapshot.names import NameKey, Resolved

OUTSIDE = NameKey("api.example.com", True)
GONE = NotFound("name_not_found", "api.example.com does not exist", 60)
SILENT = LookupFailed("dns_timeout", "no name server answered")


def entry(key: NameKey = OUTSIDE, guard: Guard | None = None) -> Entry:
    return Entry(key, guard or Guard())


def good(*addresses: str, ttl: float = 60, missing: tuple[int, ...] = ()) -> Answer:
    return Answer(addresses, ttl, frozenset(missing))


def test_a_new_name_is_pending() -> None:
    assert (entry().state, entry().addresses) == ("pending", ())


def test_an_answer_is_good_for_its_ttl() -> None:
    one = entry()
    outcome = one.take(good("192.0.2.2", "192.0.2.1", "192.0.2.1", ttl=42), 1000)
    assert (outcome.result, outcome.again_in) == ("ok", 42)
    assert (one.state, one.addresses, one.fresh_until) == ("fresh", ("192.0.2.1", "192.0.2.2"), 1042)
    assert one.resolved == Resolved(OUTSIDE, ("192.0.2.1", "192.0.2.2"))


@pytest.mark.parametrize(("ttl", "again_in"), [(0, SHORTEST), (4, SHORTEST), (86400, LONGEST)])
def test_a_ttl_counts_within_bounds(ttl: float, again_in: float) -> None:
    assert entry().take(good("192.0.2.1", ttl=ttl), 0).again_in == again_in


def test_so_does_the_number_of_addresses() -> None:
    one = entry()
    one.take(good(*(f"192.0.2.{number}" for number in range(200))), 0)
    assert len(one.addresses) == MOST_ADDRESSES


def test_what_was_known_serves_on_while_nobody_answers_and_is_asked_for_ever_more_rarely() -> None:
    one = entry()
    one.take(good("192.0.2.1"), 0)
    pauses = [one.fail(SILENT, now).again_in for now in range(60, 60 + 8)]
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert one.fail(SILENT, 1_000_000).result == "dns_timeout"
    assert (one.state, one.trouble, one.resolved) == ("stale", "dns_timeout", Resolved(OUTSIDE, ("192.0.2.1",)))


def test_after_an_answer_everything_is_as_at_first() -> None:
    one = entry()
    for now in range(5):
        one.fail(SILENT, now)
    one.take(good("192.0.2.1"), 10)
    assert (one.state, one.trouble, one.detail) == ("fresh", "", "")
    assert one.fail(SILENT, 70).again_in == 1


def test_without_any_answer_so_far_there_is_nothing_but_the_reason() -> None:
    one = entry()
    one.fail(SILENT, 0)
    assert (one.state, one.resolved) == ("failed", Resolved(OUTSIDE, (), "dns_timeout"))


def test_a_name_that_is_gone_serves_a_while_longer_as_the_zone_may_be_under_repair() -> None:
    one = entry()
    one.take(good("192.0.2.1"), 0)
    assert one.fail(GONE, 60).again_in == 5
    assert one.state == "stale"
    one.fail(GONE, 60 + HOLD - 2)
    assert (one.state, one.addresses) == ("stale", ("192.0.2.1",))
    assert one.fail(GONE, 60 + HOLD).again_in == 30
    assert (one.state, one.resolved) == ("failed", Resolved(OUTSIDE, (), "name_not_found"))


def test_a_hold_ends_when_it_ends_and_not_with_the_next_look_after() -> None:
    one = entry()
    one.take(good("192.0.2.1"), 0)
    one.fail(GONE, 0)
    assert one.fail(GONE, HOLD - 2).again_in == 2


def test_nothing_in_between_begins_the_hold_anew() -> None:
    one = entry()
    one.take(good("192.0.2.1"), 0)
    one.fail(GONE, 0)
    one.fail(SILENT, 20)
    one.fail(GONE, HOLD)
    assert one.state == "failed"
    one.take(good("192.0.2.1"), 100)
    one.fail(GONE, 160)
    assert one.state == "stale"


@pytest.mark.parametrize(("ttl", "again_in"), [(0, 5), (12, 12), (3600, 30)])
def test_that_there_is_nothing_is_believed_for_a_while(ttl: float, again_in: float) -> None:
    assert entry().fail(NotFound("no_address", "", ttl), 0).again_in == again_in


def test_of_a_family_that_nobody_could_be_asked_about_what_was_known_stays() -> None:
    one = entry()
    one.take(good("192.0.2.1", "2001:db8::1"), 0)
    one.take(good("192.0.2.2", missing=(6,)), 60)
    assert one.addresses == ("192.0.2.2", "2001:db8::1")
    one.take(good("192.0.2.2"), 120)
    assert one.addresses == ("192.0.2.2",)


# --- forbidden addresses ----------------------------------------------------------------------


def test_forbidden_addresses_are_left_out() -> None:
    one = entry()
    outcome = one.take(good("169.254.169.254", "192.0.2.1"), 0)
    assert (outcome.result, outcome.refused) == ("ok", 1)
    assert (one.addresses, one.refused) == (("192.0.2.1",), (("169.254.169.254", "link-local"),))


def test_a_name_that_turns_to_a_forbidden_address_leads_nowhere_at_once() -> None:
    """Rebinding: what was good is not served on, as this is an answer."""
    one = entry()
    one.take(good("192.0.2.1"), 0)
    outcome = one.take(good("127.0.0.1"), 60)
    assert outcome.result == "forbidden_address"
    assert (one.state, one.resolved) == ("failed", Resolved(OUTSIDE, (), "forbidden_address"))
    assert one.detail == "127.0.0.1 is loopback"
    one.take(good("192.0.2.1"), 120)
    assert (one.state, one.refused) == ("fresh", ())


def test_what_is_allowed_is_not_forbidden() -> None:
    one = entry(guard=Guard(allowed=("127.0.0.0/8",)))
    one.take(good("127.0.0.1"), 0)
    assert one.addresses == ("127.0.0.1",)


def test_names_that_this_machine_is_trusted_with_may_lead_anywhere() -> None:
    one = entry(NameKey("localhost", False), Guard(denied=("192.0.2.0/24",)))
    one.take(good("127.0.0.1", "::1", "192.0.2.1"), 0)
    assert one.addresses == ("127.0.0.1", "192.0.2.1", "::1")
