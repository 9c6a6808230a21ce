"""penstock check, as a user sees it."""

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli.check import Format, command, run_check

GOOD = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: penstock
  listeners: [{name: http, port: 8080, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: web}]
  rules:
  - backendRefs:
    - {name: shop, group: penstock.dev, kind: Backend}
---
apiVersion: penstock.dev/v1alpha1
kind: Backend
metadata: {name: shop}
spec:
  endpoints: [{host: 127.0.0.1, port: 8081}]
"""
BAD = GOOD.replace("port: 8081", 'port: "8081"').replace("kind: HTTPRoute", "kind: HTTPRout")


def check(path: Path, output: Format = "text", status: bool = False) -> tuple[int, str]:
    stream = io.StringIO()
    return run_check([str(path)], output, status, stream), stream.getvalue()


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(BAD)
    return path


def test_a_sound_configuration_is_clean(good: Path) -> None:
    assert check(good) == (0, "3 objects, no errors\n")


def test_a_problem_is_shown_with_its_line_and_its_cure(bad: Path) -> None:
    code, text = check(bad)
    assert code == 1
    assert (
        text
        == f"""\
{bad}:9:7: error[HTTPRout/shop]: kind: no kind HTTPRout in gateway.networking.k8s.io
     9 | kind: HTTPRout
       |       ^
    hint: did you mean HTTPRoute?
{bad}:21:39: error[Backend/default/shop]: spec.endpoints[0].port: got "8081" (string), want an integer 1–65535
    21 |   endpoints: [{{host: 127.0.0.1, port: "8081"}}]
       |                                       ^
    hint: remove the quotes: 8081
1 object, 2 errors
"""
    )


def test_what_only_translation_can_see_is_told_too(good: Path) -> None:
    good.write_text(GOOD.replace("    - {name: shop, group", "    - {name: shpo, group"))
    code, text = check(good)
    assert code == 1
    assert (
        text
        == f"""\
{good}:15:14: error[HTTPRoute/default/shop]: spec.rules[0].backendRefs[0].name: there is no Backend default/shpo
    15 |     - {{name: shpo, group: penstock.dev, kind: Backend}}
       |              ^
    hint: did you mean 'shop'?
3 objects, 1 error
"""
    )


def test_what_a_default_says_is_shown_at_the_reference(good: Path) -> None:
    """No kind is written, so Service is meant, and there is none: the entry itself is the place."""
    good.write_text(
        GOOD.replace("{name: shop, group: penstock.dev, kind: Backend}", "{name: shop, group: example.com}")
    )
    code, text = check(good)
    assert code == 1
    assert f"{good}:15:7: error[HTTPRoute/default/shop]: spec.rules[0].backendRefs[0].kind: " in text


def test_json_and_github_have_the_column_of_what_translation_found(good: Path) -> None:
    good.write_text(GOOD.replace("parentRefs: [{name: web}]", "parentRefs: [{name: wbe}]"))
    (problem,) = json.loads(check(good, "json")[1])["problems"]
    assert (problem["field"], problem["line"], problem["column"]) == ("spec.parentRefs[0].name", 12, 23)
    assert f"::error file={good},line=12,col=23,title=HTTPRoute/default/shop::" in check(good, "github")[1]


def test_a_message_is_one_line_that_no_terminal_obeys(good: Path) -> None:
    good.write_text(
        GOOD.replace("name: shop}\nspec:\n  parentRefs", 'name: "\\e[2J\\nerror: no"}\nspec:\n  parentRefs')
    )
    code, text = check(good)
    assert code == 1
    assert "\x1b" not in text
    assert "error[HTTPRoute/default/\\x1b[2J\\nerror: no]: metadata.name: " in text


def test_status_shows_every_condition(good: Path) -> None:
    code, text = check(good, status=True)
    assert code == 0
    lines = text.splitlines()
    assert any(line.startswith("Gateway/default/web  Programmed=True  Programmed") for line in lines)
    assert any(line.startswith("Gateway/default/web  [http]  Accepted=True  Accepted") for line in lines)
    assert any(line.startswith("HTTPRoute/default/shop  [web]  ResolvedRefs=True  ResolvedRefs") for line in lines)


def test_status_names_the_kind_of_a_parent_that_is_no_gateway() -> None:
    code, text = check(Path(__file__).parents[2] / "config" / "listener-set.yaml", status=True)
    assert code == 0
    lines = text.splitlines()
    assert any(line.startswith("ListenerSet/shop/shop  Programmed=True  Programmed") for line in lines)
    assert any(line.startswith("ListenerSet/shop/shop  [back-office]  Accepted=True  Accepted") for line in lines)
    assert any(line.startswith("HTTPRoute/shop/shop  [ListenerSet shop/http]  Accepted=True") for line in lines)
    assert any(line.startswith("HTTPRoute/shop/back-office  [ListenerSet shop:8090]  Accepted=True") for line in lines)


def test_notices_do_not_fail(good: Path) -> None:
    good.write_text(f"{GOOD}---\n{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: a}}}}\n")
    code, text = check(good)
    assert code == 0
    assert "notice: 1 object of kind Deployment (apps/v1) skipped" in text
    assert text.endswith("3 objects, no errors, 1 notice\n")


def test_json_is_for_programs(bad: Path) -> None:
    code, text = check(bad, "json", status=True)
    assert code == 1
    report = json.loads(text)
    assert report["objects"] == 1
    assert [(one["kind"], one["namespace"], one["name"]) for one in report["statuses"]][-1] == (
        "Gateway",
        "default",
        "web",
    )
    assert report["statuses"][-1]["status"]["listeners"][0]["name"] == "http"
    assert report["problems"][0] == {
        "severity": "error",
        "message": "no kind HTTPRout in gateway.networking.k8s.io",
        "kind": "HTTPRout",
        "namespace": "",
        "name": "shop",
        "field": "kind",
        "hint": "did you mean HTTPRoute?",
        "file": str(bad),
        "line": 9,
        "column": 7,
    }


def test_github_gets_annotations(bad: Path) -> None:
    code, text = check(bad, "github", status=True)
    assert code == 1
    assert text.startswith(
        f"::error file={bad},line=9,col=7,title=HTTPRout/shop::"
        "kind: no kind HTTPRout in gateway.networking.k8s.io%0Ahint: did you mean HTTPRoute?\n"
    )
    assert text.endswith("1 object, 2 errors\n")


@pytest.mark.parametrize("rest", ["stringData:\n  pin: 4711", "stringDta: {pin: '4711'}", "stringData: {pin: '4711'"])
def test_the_lines_of_a_secret_are_not_shown(tmp_path: Path, rest: str) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n{rest}\n")
    code, text = check(path)
    assert code == 1
    assert "4711" not in text


def test_a_tab_before_the_place_keeps_the_caret_below_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{\n\t"apiVersion": "v1",\n\t"kind": "Servce",\n\t"metadata": {"name": "a"}\n}\n')
    assert '     3 | \t"kind": "Servce",\n       | \t        ^\n' in check(path)[1]


def test_the_command_exits_as_the_check_does(good: Path, bad: Path) -> None:
    bad.write_text(BAD)
    result = CliRunner().invoke(command, [str(bad), "--format", "github"])
    assert (result.exit_code, result.output.count("::error")) == (1, 2)
    good.write_text(GOOD)
    assert CliRunner().invoke(command, [str(good), "--status"]).exit_code == 0
    assert CliRunner().invoke(command, []).exit_code == 2


def test_whom_to_trust_is_an_option_since_what_is_warned_of_depends_on_it() -> None:
    config = str(Path(__file__).parent.parent.parent / "config" / "proxy-protocol.yaml")
    told = CliRunner().invoke(command, [config])
    assert (told.exit_code, told.output.count("--trusted-proxies names nobody")) == (0, 1)
    assert CliRunner().invoke(command, [config, "--trusted-proxies", "10.0.0.0/8"]).output == "6 objects, no errors\n"


SHADOWED = GOOD.replace(
    "  rules:\n",
    "  rules:\n"
    "  - matches:\n"
    "    - path: {value: /a}\n"
    "    - path: {value: /a}\n"
    "    backendRefs: [{name: shop, group: penstock.dev, kind: Backend}]\n",
)


def test_a_match_that_never_answers_is_a_warning_at_its_place(good: Path) -> None:
    good.write_text(SHADOWED)
    code, text = check(good)
    assert code == 0
    assert (
        text
        == f"""\
{good}:16:7: warning[HTTPRoute/default/shop]: spec.rules[0].matches[1]: never answers: all its requests are taken by \
rules[0] matches[0], which goes first by match order
    16 |     - path: {{value: /a}}
       |       ^
    hint: remove it, or let it ask for more than that one: a longer path, a method, a header
3 objects, no errors, 1 warning
"""
    )


def test_json_and_github_have_warnings_too(good: Path) -> None:
    good.write_text(SHADOWED)
    code, text = check(good, "json")
    [problem] = json.loads(text)["problems"]
    assert code == 0
    assert (problem["severity"], problem["field"], problem["line"]) == ("warning", "spec.rules[0].matches[1]", 16)
    assert f"::warning file={good},line=16,col=7,title=HTTPRoute/default/shop::" in check(good, "github")[1]


def test_what_is_allowed_outside_is_not_told() -> None:
    config = str(Path(__file__).parents[2] / "config" / "external-name.yaml")
    assert CliRunner().invoke(command, [config]).exit_code == 1
    assert CliRunner().invoke(command, [config, "--allow-external-name"]).output == "4 objects, no errors\n"
    wrong = CliRunner().invoke(command, [config, "--allow-external-ranges", "10.0.0.1/8"])
    assert (wrong.exit_code, "is not a network" in wrong.output) == (2, True)
