"""RequestHeaderModifier and ResponseHeaderModifier (HTTPHeaderFilter), of a rule and of one backend."""

import pytest

from tests.spec.declared import Declared
from tests.spec.served import Answer, Served
from tests.spec.site import WEB, backend, prefix, route, rule

SET = "set: [{name: X-Header-Set, value: set-overwrites-values}]"
ADD = "add: [{name: X-Header-Add, value: add-appends-values}]"
REMOVE = "remove: [X-Header-Remove]"
MULTIPLE = (
    "set: [{name: X-Header-Set-1, value: header-set-1}, {name: X-Header-Set-2, value: header-set-2}], "
    "add: [{name: X-Header-Add-1, value: header-add-1}, {name: X-Header-Add-2, value: header-add-2}, "
    "{name: X-Header-Add-3, value: header-add-3}], remove: [X-Header-Remove-1, X-Header-Remove-2]"
)
ODD_CASE = (
    "set: [{name: X-Header-Set, value: header-set}], add: [{name: X-Header-Add, value: header-add}, "
    "{name: x-lowercase-add, value: lowercase-add}, {name: x-Mixedcase-ADD-1, value: mixedcase-add-1}, "
    "{name: X-UPPERCASE-ADD, value: uppercase-add}], remove: [X-Header-Remove]"
)

Row = tuple[str, dict[str, str], dict[str, str | None]]
ROWS: dict[str, Row] = {
    # the modifier, the fields before it, and after it (None: absent)
    "set makes a new field": (SET, {}, {"x-header-set": "set-overwrites-values"}),
    "set replaces all values": (SET, {"X-Header-Set": "some-other-value"}, {"x-header-set": "set-overwrites-values"}),
    "add makes a new field": (ADD, {}, {"x-header-add": "add-appends-values"}),
    "add comes after what is there": (
        ADD, {"X-Header-Add": "some-other-value"}, {"x-header-add": "some-other-value,add-appends-values"}),
    "remove": (REMOVE, {"X-Header-Remove": "val"}, {"x-header-remove": None}),
    "remove of what is not there": (REMOVE, {"X-Other": "val"}, {"x-header-remove": None, "x-other": "val"}),
    "several at once": (
        MULTIPLE,
        {"X-Header-Set-2": "set-val-2", "X-Header-Add-2": "add-val-2", "X-Header-Remove-2": "v", "Another": "h"},
        {"x-header-set-1": "header-set-1", "x-header-set-2": "header-set-2", "x-header-add-1": "header-add-1",
         "x-header-add-2": "add-val-2,header-add-2", "x-header-add-3": "header-add-3", "x-header-remove-1": None,
         "x-header-remove-2": None, "another": "h"}),
    "names have no case": (
        ODD_CASE,
        {"x-header-set": "original-val-set", "x-header-add": "original-val-add", "x-header-remove": "original"},
        {"x-header-set": "header-set", "x-header-add": "original-val-add,header-add", "x-header-remove": None,
         "x-lowercase-add": "lowercase-add", "x-mixedcase-add-1": "mixedcase-add-1",
         "x-uppercase-add": "uppercase-add"}),
}  # fmt: skip


def request_filter(modifier: str) -> str:
    return f"{{type: RequestHeaderModifier, requestHeaderModifier: {{{modifier}}}}}"


def response_filter(modifier: str) -> str:
    return f"{{type: ResponseHeaderModifier, responseHeaderModifier: {{{modifier}}}}}"


def of_rule_or_backend(place: str, item: str) -> str:
    if place == "rule":
        return rule(filters=item, to="v1")
    return rule(to=backend("v1", f", filters: [{item}]"))


async def asked(one: str, fields: dict[str, str]) -> Answer:
    async with Served(WEB + route("r", one)) as site:
        return await site.ask(" ".join(["a/x", *(f"{name}:{value}" for name, value in fields.items())]))


@pytest.mark.parametrize("place", ["rule", "backend"])
@pytest.mark.parametrize("row", ROWS)
async def test_the_request_that_arrives(place: str, row: str) -> None:
    modifier, before, after = ROWS[row]
    answer = await asked(of_rule_or_backend(place, request_filter(modifier)), before)
    assert {name: answer.seen(name) for name in after} == after


@pytest.mark.parametrize("place", ["rule", "backend"])
@pytest.mark.parametrize("row", ROWS)
async def test_the_answer_that_arrives(place: str, row: str) -> None:
    modifier, before, after = ROWS[row]
    wanted = ",".join(f"{name}:{value}" for name, value in before.items())
    answer = await asked(of_rule_or_backend(place, response_filter(modifier)), {"X-Echo-Set-Header": wanted})
    assert {name: answer.field(name) for name in after} == after


async def test_both_ways_in_one_rule() -> None:
    both = f"{response_filter(MULTIPLE)}, {request_filter(f'{SET}, {REMOVE}')}"
    wanted = "X-Header-Add-2:add-val-2,X-Header-Echo:echo"
    answer = await asked(
        rule(filters=both, to="v1"),
        {"X-Echo-Set-Header": wanted, "X-Header-Set": "set-val", "X-Header-Remove": "v", "X-Header-Echo": "echo"},
    )
    seen = [answer.seen(name) for name in ("x-header-set", "x-header-remove", "x-header-echo")]
    assert seen == ["set-overwrites-values", None, "echo"]
    got = [answer.field(name) for name in ("x-header-set-1", "x-header-add-2", "x-header-echo")]
    assert got == ["header-set-1", "add-val-2,header-add-2", "echo"]


async def test_filters_of_a_backend_are_for_its_share_alone() -> None:
    """Two backends, each with a header of its own: pod and header always agree."""
    refs = [
        backend(name, f", filters: [{request_filter(f'set: [{{name: backend, value: {name}}}]')}]")
        for name in ("v1", "v2")
    ]
    async with Served(WEB + route("r", rule(to=", ".join(refs)))) as site:
        got = [await site.ask("a/") for _ in range(100)]
        assert all(answer.seen("backend") == answer.outcome for answer in got)
        assert {answer.outcome for answer in got} == {"v1", "v2"}


async def test_an_empty_value_is_a_value() -> None:
    async with Served(WEB + route("r", rule(prefix("/"), to="v1"))) as site:
        assert (await site.ask("a/ X-Empty:")).seen("x-empty") == ""


TWICE = {
    "set and add": "set: [{name: X-A, value: a}], add: [{name: x-a, value: b}]",
    "set and remove": "set: [{name: X-A, value: a}], remove: [x-a]",
    "add and remove": "add: [{name: X-A, value: a}], remove: [x-a]",
}


@pytest.mark.parametrize("modifier", TWICE)
@pytest.mark.parametrize("kind", [request_filter, response_filter])
def test_one_header_in_two_actions_is_refused(modifier: str, kind: object) -> None:
    bad = kind(TWICE[modifier])  # type: ignore[operator]
    declared = Declared(WEB + route("r", rule(filters=bad, to="v1"), rule(prefix("/good"), to="v1")))
    said = declared.said("HTTPRoute", "r")
    assert (said["Accepted"], said["PartiallyInvalid"]) == ("True Accepted", "True UnsupportedValue")
