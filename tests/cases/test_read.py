"""Documents of cases: told from objects by what they hold, read one by one, and mistakes by their place."""

import pytest

from proxy.cases.read import Case, Cases, read_cases
from proxy.resources.problem import Problem
from proxy.sources.read import FileBytes
from proxy.sources.yamltext import MAX_DEPTH


def read(text: str, path: str = "some/where/cases.yaml") -> Cases:
    return read_cases([FileBytes(path, text.encode("utf-8", "surrogateescape"))])


def said(problem: Problem) -> str:
    hint = f" -- {problem.hint}" if problem.hint else ""
    return f"{problem.line}:{problem.column}: " + ": ".join(filter(None, [problem.field, problem.message])) + hint


ONE = "cases:\n- {name: one, request: http://a/, expect: {rule: 0}}\n"


def only(text: str) -> Case:
    [case] = read(text).sound
    return case


def test_a_case_has_its_place_and_its_sources_as_they_can_be_opened() -> None:
    case = only("# about\nsources: [../routes.yaml, more]\ncases:\n  - name: one\n    request: POST http://a:80/x\n"
                "    expect: {rule: 0}\n")  # fmt: skip
    assert (case.name, case.place) == ("one", "some/where/cases.yaml:4:5")
    assert (case.asked.method, case.asked.url) == ("POST", "http://a:80/x")
    assert case.sources == ("some/routes.yaml", "some/where/more")


def test_a_request_can_say_who_sends_it_and_how() -> None:
    case = only(
        "cases:\n- name: one\n  expect: {status: 404}\n  request:\n    url: https://a/\n    client: 192.0.2.1\n"
        "    sni: b.example\n    address: 192.0.2.2\n    headers: {A: b, C: [d, e]}\n"
    )
    assert (case.asked.method, case.asked.client, case.asked.server_name) == ("GET", "192.0.2.1", "b.example")
    assert case.asked.headers == (("A", "b"), ("C", "d"), ("C", "e"))
    assert case.asked.address == "192.0.2.2"


OBJECT = "apiVersion: v1\nkind: Service\nmetadata: {name: cases}\nspec: {cases: []}\n"


def test_cases_and_objects_may_stand_in_one_file() -> None:
    found = read(f"{OBJECT}---\n{ONE}---\n{ONE.replace('one', 'two')}")
    assert [(case.name, case.line) for case in found.sound] == [("one", 7), ("two", 10)]
    assert found.problems == []


@pytest.mark.parametrize(
    "text",
    [
        OBJECT,
        "",
        "# cases: none\n",
        "kind: Cases\ncases: []\n",
        "[cases]",
        "kind: Service\ncases: [",
        "message: |\n  in most cases:\n  [",
    ],
)
def test_nothing_else_is_taken_for_cases(text: str) -> None:
    assert read(text) == Cases([], [], 0)


def test_a_bad_case_costs_only_itself() -> None:
    found = read(ONE + "- {name: two, request: http://a/, expect: {rul: 1}}\n")
    assert [case.name for case in found.sound] == ["one"]
    assert list(map(said, found.problems)) == ["3:44: cases[1].expect.rul: unknown field -- did you mean rule?"]
    assert found.found == 2


def case(request: str = "http://a/", expect: str = "{rule: 0}", name: str = "one") -> str:
    return f"cases:\n- name: {name}\n  request: {request}\n  expect: {expect}\n"


MISTAKES = [
    (case(expect="{}"), "4:3: cases[0].expect: expects nothing, so it cannot fail -- known here: no_match, route,"),
    (case(expect="{rule: true}"), "4:18: cases[0].expect.rule: got true (boolean), want an integer"),
    (case(expect="{status: 99}"), "4:20: cases[0].expect.status: got 99, want an integer 100–599"),
    (case(expect="{backends: {a: 101}}"), "4:26: cases[0].expect.backends.a: got 101 (integer), want a number 0–100"),
    (
        case(expect="{headers: {a: yes}}"),
        "4:25: cases[0].expect.headers.a: got true (boolean), want text -- YAML reads",
    ),
    (
        case(expect="{timeouts: {request: 1}}"),
        "4:32: cases[0].expect.timeouts.request: got 1 (integer), want a duration",
    ),
    (
        case(expect="{timeouts: {backend: 1s}}"),
        "4:23: cases[0].expect.timeouts.backend: unknown field -- did you mean b",
    ),
    (case(expect="{route: a, no_match: true}"), "4:12: cases[0].expect.route: contradicts no_match: true"),
    (case(expect="{backend: a, backends: {a: 1}}"), "4:12: cases[0].expect.backend: backends says it already"),
    (case(request="ftp://a/"), "3:12: cases[0].request: ftp://a/: the scheme must be http or https"),
    (case(request="{url: 'http://a:0/'}"), "3:18: cases[0].request.url: a:0: the port must be a number"),
    (case(request="{url: a, method: 'a b'}"), '3:29: cases[0].request.method: got "a b" (string), want a method such'),
    (case(request="{url: a, body: b}"), "3:21: cases[0].request.body: unknown field"),
    (case(request="{url: a, client: b}"), "3:29: cases[0].request.client: 'b' is not an IP address"),
    (case(request="{url: a, address: b}"), "3:30: cases[0].request.address: 'b' is not an IP address"),
    (case(request="[a]"), "3:12: cases[0].request: got a list, want fields such as url, method"),
    ("cases:\n- one\n", '2:3: cases[0]: got "one" (string), want fields such as name, request, expect'),
    ("cases:\n- {name: one}\n", "2:3: cases[0].request: required, but missing"),
    ("cases: {}\n", "1:8: cases: got a mapping, want a list"),
    ("cases: []\n", "1:8: cases: is empty, at least 1 is needed"),
    (ONE + "case: []\n", "3:1: case: unknown field -- did you mean cases?"),
    (ONE + "sources: routes.yaml\n", '3:10: sources: got "routes.yaml" (string), want a list'),
    (ONE + "cases: []\n", '3:1: duplicate key "cases"'),
    (ONE + ONE.partition("\n")[2], '3:10: cases[1].name: a case before has the name "one" -- name each differently'),
    (f"{ONE}---\n{ONE}", '5:10: cases[0].name: a case before has the name "one"'),
    (case(expect="{rule: 0, rule: 1}"), '4:21: duplicate key "rule"'),
    ("cases:\n- name: [a\n", "2:9: malformed YAML: the bracket that opens here is never closed"),
    ("cases: " + "[" * (MAX_DEPTH + 1), "1:107: nested more than 100 levels deep"),
    ("cases: \udcff", "1:8: byte 0xff is not UTF-8"),
]


@pytest.mark.parametrize(("text", "words"), MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str, words: str) -> None:
    assert any(said(problem).startswith(words) for problem in read(text).problems), list(map(said, read(text).problems))


def test_one_mistake_is_told_once() -> None:
    assert [len(read(text).problems) for text, _ in MISTAKES if "required" not in _] == [1] * (len(MISTAKES) - 1)
