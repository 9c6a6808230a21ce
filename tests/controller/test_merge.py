"""Our words into a status, and everybody else's left as they are."""

import json
from typing import Any

import pytest
from hypothesis import given

from proxy.controller.conditions import OURS
from proxy.controller.merge import is_ours, merge, observed_generation, only_counts, without_us
from tests.controller.strategies import DESIRED, HELD, US

THEN = "2020-01-01T00:00:00Z"
NOW = "2026-11-25T12:00:00Z"
OTHER = "example.com/other"


def condition(kind: str = "Accepted", status: str = "True", generation: int = 1, **more: Any) -> dict[str, Any]:
    fields = {"type": kind, "status": status, "reason": kind, "message": "so", "observedGeneration": generation}
    return {**fields, **more}


def parent(name: str, controller: str, *conditions: dict[str, Any], **reference: Any) -> dict[str, Any]:
    ref = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name, **reference}
    return {"parentRef": ref, "controllerName": controller, "conditions": list(conditions)}


def merged(held: dict[str, Any], desired: dict[str, Any], now: str = NOW) -> dict[str, Any]:
    return {**held, **(merge(held, desired, US, now) or {})}


# --- laws -------------------------------------------------------------------------------------


@given(HELD, DESIRED)
def test_what_was_written_needs_no_second_write(held: dict[str, Any], desired: dict[str, Any]) -> None:
    after = merged(held, desired)
    assert merge(after, desired, US, "2030-01-01T00:00:00Z") is None


@given(HELD, DESIRED)
def test_a_write_changes_something(held: dict[str, Any], desired: dict[str, Any]) -> None:
    changes = merge(held, desired, US, NOW)
    assert changes is None or all(held.get(field, []) != value for field, value in changes.items())


@given(HELD, DESIRED)
def test_nobody_elses_words_are_lost(held: dict[str, Any], desired: dict[str, Any]) -> None:
    assert strangers_in(merged(held, desired), desired) == strangers_in(held, desired)


@given(HELD, DESIRED)
def test_all_that_is_meant_is_said_and_nothing_else_in_our_name(held: dict[str, Any], desired: dict[str, Any]) -> None:
    assert ours_in(merged(held, desired), desired) == ours_in(desired, desired)


def strangers_in(status: dict[str, Any], desired: dict[str, Any]) -> str:
    """Byte for byte, in order. Conditions of listeners and parents that stay; those of others' go with them."""
    kept = {entry["name"] for entry in desired.get("listeners", ())}
    refs = [entry["parentRef"] for entry in desired.get("parents", ())]
    found = [status.get("attachedListenerSets"), foreign(status)] if "conditions" in desired else []
    if "listeners" in desired:
        entries = {entry["name"]: foreign(entry) for entry in status.get("listeners", ()) if entry["name"] in kept}
        found.append({name: entry for name, entry in sorted(entries.items()) if entry})
    if "parents" in desired:
        found.append([entry for entry in status.get("parents", ()) if not is_ours(entry, US)])
        ours = [entry for entry in status.get("parents", ()) if is_ours(entry, US) and entry["parentRef"] in refs]
        found.append([(sorted(entry["parentRef"].items()), foreign(entry)) for entry in ours if foreign(entry)])
    return json.dumps(found)


def foreign(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in entry.get("conditions", ()) if item["type"] not in OURS]


def ours_in(status: dict[str, Any], desired: dict[str, Any]) -> str:
    found: list[Any] = [ours(status)] if "conditions" in desired else []
    found += sorted(
        [json.dumps([entry[name], ours(entry)], sort_keys=True)]
        for field, name in (("listeners", "name"), ("parents", "parentRef"))
        if field in desired
        for entry in status.get(field, ())
        if field == "listeners" or is_ours(entry, US)
    )
    return json.dumps(found, sort_keys=True)


def ours(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Without times, in the order of their types."""
    items = [item for item in entry.get("conditions", ()) if item["type"] in OURS]
    items = [{name: value for name, value in item.items() if name != "lastTransitionTime"} for item in items]
    return sorted(items, key=lambda item: str(item["type"]))


# --- times ------------------------------------------------------------------------------------

TIMES = [
    # (held, meant, lastTransitionTime)
    (None, condition(), NOW),
    (condition(lastTransitionTime=THEN), condition(generation=2), THEN),
    (condition(lastTransitionTime=THEN), condition(message="otherwise", reason="Fine"), THEN),
    (condition(lastTransitionTime=THEN), condition(status="False"), NOW),
    (condition(status="Unknown", lastTransitionTime="1970-01-01T00:00:00Z"), condition(), NOW),
    (condition(), condition(), NOW),
]


@pytest.mark.parametrize(("held", "meant", "time"), TIMES)
def test_the_time_moves_when_the_status_does(held: dict[str, Any] | None, meant: dict[str, Any], time: str) -> None:
    after = merged({"conditions": [held] if held else []}, {"conditions": [meant]})
    assert after["conditions"] == [{**meant, "lastTransitionTime": time}]


# --- entries ----------------------------------------------------------------------------------


def test_entries_of_others_stay_where_they_are_and_ours_are_replaced_in_place() -> None:
    held = {"parents": [parent("a", OTHER), parent("b", US, condition(lastTransitionTime=THEN)), parent("c", OTHER)]}
    desired = {"parents": [parent("d", US, condition()), parent("b", US, condition(generation=2))]}
    assert merge(held, desired, US, NOW) == {
        "parents": [
            parent("a", OTHER),
            parent("b", US, condition(generation=2, lastTransitionTime=THEN)),
            parent("c", OTHER),
            parent("d", US, condition(lastTransitionTime=NOW)),
        ]
    }


def test_two_parts_of_one_parent_are_two_entries() -> None:
    desired = {"parents": [parent("a", US, condition(), sectionName="x"), parent("a", US, condition(), port=80)]}
    held = {"parents": [parent("a", US, condition(lastTransitionTime=THEN), port=80)]}
    times = [entry["conditions"][0]["lastTransitionTime"] for entry in merged(held, desired)["parents"]]
    assert times == [THEN, NOW]


def test_an_entry_of_ours_without_a_parent_goes() -> None:
    held = {"parents": [parent("a", US, condition()), parent("b", OTHER)]}
    assert merge(held, {"parents": []}, US, NOW) == {"parents": [parent("b", OTHER)]}
    assert without_us(held, US) == {"parents": []}
    assert without_us({"parents": [parent("b", OTHER)]}, US) is None


def test_entries_of_ours_without_a_parent_stay_where_nothing_is_to_be_taken_back() -> None:
    known, unknown = parent("a", US, condition(lastTransitionTime=THEN)), parent("b", US, condition())
    desired = {"parents": [parent("a", US, condition(generation=2))]}
    after = parent("a", US, condition(generation=2, lastTransitionTime=THEN))
    assert merge({"parents": [unknown, known]}, desired, US, NOW, take_back=False) == {"parents": [unknown, after]}
    assert merge({"parents": [unknown]}, {"parents": []}, US, NOW, take_back=False) is None


def test_ancestors_are_entries_as_parents_are() -> None:
    entry = {"ancestorRef": {"name": "a"}, "controllerName": US, "conditions": [condition()]}
    after = merged({}, {"ancestors": [entry]})
    assert after["ancestors"][0]["conditions"][0]["lastTransitionTime"] == NOW
    assert without_us(after, US) == {"ancestors": []}


def test_a_condition_of_ours_that_is_no_longer_meant_goes() -> None:
    held = {"parents": [parent("a", US, condition("PartiallyInvalid"), condition("example.com/Checked"))]}
    after = merged(held, {"parents": [parent("a", US, condition())]})
    assert [item["type"] for item in after["parents"][0]["conditions"]] == ["example.com/Checked", "Accepted"]


@pytest.mark.parametrize("kind", ["InsecureFrontendValidationMode", "DefaultGateway"])
def test_a_condition_that_is_only_ever_true_goes_when_it_is_no_longer_meant(kind: str) -> None:
    held = {"conditions": [condition(), condition(kind), condition("example.com/Else")]}
    merged = merge(held, {"conditions": [condition()]}, US, NOW)
    assert merged is not None
    assert [item["type"] for item in merged["conditions"]] == ["Accepted", "example.com/Else"]


def test_a_listener_that_is_gone_takes_its_entry_with_it() -> None:
    held = {"listeners": [{"name": "old", "conditions": [condition("example.com/Checked")]}]}
    assert merge(held, {"listeners": []}, US, NOW) == {"listeners": []}


def test_nothing_is_as_good_as_an_empty_list() -> None:
    assert merge({}, {"addresses": [], "parents": []}, US, NOW) is None


# --- limits of the CRDs -----------------------------------------------------------------------


def test_at_most_32_parents_and_those_of_others_first() -> None:
    held = {"parents": [parent(f"o{i}", OTHER) for i in range(30)]}
    after = merged(held, {"parents": [parent(f"u{i}", US, condition()) for i in range(5)]})
    assert len(after["parents"]) == 32
    assert [entry["parentRef"]["name"] for entry in after["parents"][30:]] == ["u0", "u1"]


def test_at_most_8_conditions_and_those_of_others_first() -> None:
    held = {"conditions": [condition(f"example.com/{i}") for i in range(7)]}
    after = merged(held, {"conditions": [condition("Accepted"), condition("Programmed")]})
    assert [item["type"] for item in after["conditions"]] == [*(f"example.com/{i}" for i in range(7)), "Accepted"]


def test_a_long_message_is_cut_and_says_so() -> None:
    after = merged({}, {"conditions": [condition(message="ä" * 40000)]})
    message = after["conditions"][0]["message"]
    assert len(message) == 32768
    assert message.endswith("ä… (cut: the API takes no longer message)")
    assert merge(after, {"conditions": [condition(message="ä" * 40000)]}, US, NOW) is None


@pytest.mark.parametrize(
    ("reason", "written"),
    [
        ("Fine", "Fine"),
        ("A_b,c:d", "A_b,c:d"),
        ("No such thing", "Nosuchthing"),
        ("9 lives", "lives"),
        ("", "Invalid"),
        ("ends:", "ends"),
    ],
)
def test_a_reason_that_the_api_would_refuse_costs_only_itself(reason: str, written: str) -> None:
    assert merged({}, {"conditions": [condition(reason=reason)]})["conditions"][0]["reason"] == written


# --- generations ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "generation"),
    [
        ({"conditions": [condition(generation=3)]}, 3),
        ({"conditions": [], "listeners": [{"name": "a", "conditions": [condition(generation=4)]}]}, 4),
        ({"parents": [parent("a", US), parent("b", US, condition(generation=5))]}, 5),
        ({"parents": []}, None),
    ],
)
def test_a_status_knows_its_generation(status: dict[str, Any], generation: int | None) -> None:
    assert observed_generation(status) == generation


# --- counts -----------------------------------------------------------------------------------

LISTENERS = {"listeners": [{"name": "http", "attachedRoutes": 1, "conditions": []}]}


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"listeners": [{"name": "http", "attachedRoutes": 2, "conditions": []}]}, True),
        ({"attachedListenerSets": 3}, True),
        ({"listeners": [{"name": "http", "attachedRoutes": 2, "conditions": [condition()]}]}, False),
        ({"listeners": [{"name": "other", "attachedRoutes": 1, "conditions": []}]}, False),
        ({"listeners": [], "attachedListenerSets": 3}, False),
        ({"attachedListenerSets": 3, "conditions": [condition()]}, False),
    ],
)
def test_changes_that_are_counts_only(changes: dict[str, Any], wanted: bool) -> None:
    assert only_counts(LISTENERS, changes) is wanted
