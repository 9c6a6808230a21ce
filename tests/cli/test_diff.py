"""penstock diff, as a user sees it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from proxy.cli.main import main

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "diff.md").read_text()

GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: penstock
  listeners: [{name: http, port: 80, protocol: HTTP}]
"""


def route(rules: str, *, name: str = "shop", more: str = "") -> str:
    return f"""\
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: web}}]
  rules: {rules}
{more}"""


def backend(name: str, host: str = "10.0.0.1") -> str:
    return f"""\
---
apiVersion: penstock.dev/v1alpha1
kind: Backend
metadata: {{name: {name}}}
spec: {{endpoints: [{{host: {host}, port: 8080}}]}}
"""


def to(name: str, match: str = "") -> str:
    matches = f"matches: [{match}], " if match else ""
    return f"{{{matches}backendRefs: [{{group: penstock.dev, kind: Backend, name: {name}}}]}}"


BACKENDS = backend("a") + backend("b")
PATTERN = '{path: {type: RegularExpression, value: "/[a-z]+/v[12]"}, method: HEAD}'
OLD = GATEWAY + route(f"[{to('a')}]") + BACKENDS


def diff(folder: Path, old: str, new: str, *options: str) -> Result:
    (folder / "old.yaml").write_text(old)
    (folder / "new.yaml").write_text(new)
    return CliRunner().invoke(main, ["diff", *options, str(folder / "old.yaml"), str(folder / "new.yaml")])


def told(folder: Path, old: str, new: str, *options: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(diff(folder, old, new, "--json", *options).stdout)
    return data


def test_the_page_shows_what_is_printed(tmp_path: Path) -> None:
    files = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    [(arguments, output)] = re.findall(r"^```console\n\$ penstock (.*?)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for name, text in files:
        (tmp_path / name).write_text(text)
    words = [str(tmp_path / word) if word.endswith(".yaml") else word for word in arguments.split()]
    done = CliRunner().invoke(main, words)
    assert (done.output, done.exit_code) == (output, 1)


SAME = [
    ("the very same", OLD),
    ("another order of documents", GATEWAY + BACKENDS + route(f"[{to('a')}]")),
    ("another name of the route", GATEWAY + route(f"[{to('a')}]", name="store") + BACKENDS),
    ("a name for the rule", GATEWAY + route("[{name: all, " + to("a")[1:] + "]") + BACKENDS),
    (
        "one rule split in two",
        GATEWAY + route(f"[{to('a', '{path: {value: /x}}')}, {to('a')}]") + BACKENDS,
    ),
    ("a rule that nothing reaches", GATEWAY + route(f"[{to('a')}, {to('b')}]") + BACKENDS),
    ("equal shares of one backend", OLD.replace("name: a}]", "name: a, weight: 7}]")),
]


@pytest.mark.parametrize(("what", "new"), SAME)
def test_what_changes_no_answer_is_the_same(what: str, new: str, tmp_path: Path) -> None:
    done = diff(tmp_path, OLD, new)
    assert (done.output, done.exit_code) == ("every request is answered as before\n", 0), what


CHANGED = [
    # (what, the new configuration, the text)
    (
        "another backend",
        OLD.replace("name: a}]", "name: b}]"),
        """\
curl http://any.example/
  - default/shop rule 0: default/a
  + default/shop rule 0: default/b

1 change of answers
""",
    ),
    (
        "a rule for one header and one parameter",
        GATEWAY
        + route(
            f"[{to('a')}, {to('b', '{headers: [{name: X-A, value: it is}], queryParams: [{name: p, value: ä and}]}')}]"
        )
        + BACKENDS,
        """\
curl -H 'x-a: it is' 'http://any.example/?p=%C3%A4%20and'
  - default/shop rule 0: default/a
  + default/shop rule 1: default/b

1 change of answers
""",
    ),
    (
        "the endpoints of a Backend, which somebody wrote",
        GATEWAY + route(f"[{to('a')}]") + backend("a", "10.0.0.9") + backend("b"),
        """\
curl http://any.example/
  - default/shop rule 0: default/a in clear text at 10.0.0.1:8080
  + default/shop rule 0: default/a in clear text at 10.0.0.9:8080

1 change of answers
""",
    ),
    (
        "a pattern where a prefix was",
        GATEWAY + route(f"[{to('a', PATTERN)}]") + BACKENDS,
        """\
curl http://any.example/
  - default/shop rule 0: default/a
  + 404: no rule takes it

1 change of answers
""",
    ),
    (
        "no port any more",
        OLD.replace("port: 80,", "port: 8000,"),
        """\
curl http://any.example/
  - listener default/web/http, on every address
  + nothing listens there

curl http://any.example:8000/
  - nothing listens there
  + listener default/web/http, on every address

2 changes of answers
""",
    ),
    (
        "a backend that is gone",
        GATEWAY + route(f"[{to('a')}]") + backend("b"),
        """\
curl http://any.example/
  - default/shop rule 0: default/a
  + default/shop rule 0: 500: no backend

1 change of answers
""",
    ),
    (
        "the same for many",
        GATEWAY
        + route(f"[{to('b', '{path: {value: /x}}, {path: {value: /y}}, {path: {value: /z}}')}, {to('a')}]")
        + BACKENDS,
        """\
curl http://any.example/x
  - default/shop rule 0: default/a
  + default/shop rule 0: default/b
  and so in 2 more places

1 change of answers
""",
    ),
]


@pytest.mark.parametrize(("what", "new", "text"), CHANGED)
def test_a_change_is_told_with_its_witness(what: str, new: str, text: str, tmp_path: Path) -> None:
    done = diff(tmp_path, OLD, new)
    assert (done.stdout, done.exit_code) == (text, 1), what


def test_what_cannot_be_searched_is_said_to_be_undecided(tmp_path: Path) -> None:
    match = '{path: {type: RegularExpression, value: "/\\\\pL+"}}'
    done = diff(tmp_path, OLD, GATEWAY + route(f"[{to('b', match)}, {to('a')}]") + BACKENDS)
    assert done.exit_code == 1
    assert (
        done.stdout
        == """\
not decided: whether a request changes its answer, a pattern has \\p, which is not analysed
  - default/shop rule 0: default/a
  + default/shop rule 0: default/b

no changes of answers, 1 not decided
"""
    )


def test_json_has_the_request_and_both_outcomes(tmp_path: Path) -> None:
    data = told(tmp_path, OLD, OLD.replace("name: a}]", "name: b}]"))
    [change] = data["changes"]
    assert data["same"] is False
    assert change["request"] == {
        "method": "GET",
        "url": "http://any.example/",
        "headers": [],
        "address": None,
        "curl": "curl http://any.example/",
    }
    assert [(change[side]["route"], change[side]["rule"], change[side]["match"]) for side in ("old", "new")] == [
        ("default/shop", 0, 0)
    ] * 2
    assert [change[side]["backends"][0]["backend"] for side in ("old", "new")] == ["default/a", "default/b"]
    assert told(tmp_path, OLD, OLD) == {"same": True, "changes": [], "undecided": [], "notes": []}


def test_github_gets_an_annotation_for_each_change(tmp_path: Path) -> None:
    done = diff(tmp_path, OLD, OLD.replace("name: a}]", "name: b}]"), "--format", "github")
    assert done.exit_code == 1
    assert (
        done.output
        == """\
::warning title=curl http%3A//any.example/::default/shop rule 0: default/a → default/shop rule 0: default/b
1 change of answers
"""
    )


SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: s-1, labels: {kubernetes.io/service-name: s}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.0.0.1]}]
"""


def test_endpoints_of_services_count_only_when_asked_for(tmp_path: Path) -> None:
    old = GATEWAY + route("[{backendRefs: [{name: s, port: 80}]}]") + SERVICE
    new = old.replace("10.0.0.1", "10.0.0.2")
    assert diff(tmp_path, old, new).exit_code == 0
    assert diff(tmp_path, old, new, "--endpoints").exit_code == 1


def test_applied_is_what_is_not_named_stays(tmp_path: Path) -> None:
    new = route(f"[{to('b', '{path: {value: /b}}')}]", name="more")
    done = diff(tmp_path, OLD, new, "--apply")
    assert done.stdout.startswith("curl http://any.example/b\n  - default/shop rule 0")
    assert "- listener default/web/http" in diff(tmp_path, OLD, new).stdout


def test_what_is_applied_is_younger_than_what_is_there(tmp_path: Path) -> None:
    """Files that stand beside each other are of no age, and a/… would go first."""
    new = route(f"[{to('b')}]", name="another")
    assert diff(tmp_path, OLD, new, "--apply").exit_code == 0
    assert diff(tmp_path, OLD, OLD + new).exit_code == 1


@pytest.mark.parametrize("bad", ["a: [", "\x00"])
def test_what_cannot_be_read_ends_it(bad: str, tmp_path: Path) -> None:
    done = diff(tmp_path, OLD, OLD + "---\n" + bad + "\n")
    assert done.exit_code == 2
    assert "cannot be read, so that nothing can be said of it" in done.stderr


def test_a_missing_file_ends_it(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(OLD)
    done = CliRunner().invoke(main, ["diff", str(tmp_path / "old.yaml"), str(tmp_path / "none.yaml")])
    assert done.exit_code == 2


@pytest.mark.parametrize("arguments", [["-", "-"], ["--apply", "a", "kubernetes:"], ["a"], ["kubernetes:", "-"]])
def test_what_makes_no_sense_is_a_usage_error(arguments: list[str]) -> None:
    assert CliRunner(env={"KUBECONFIG": "nowhere"}).invoke(main, ["diff", *arguments]).exit_code == 2


EXTERNAL = """\
---
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {type: ExternalName, externalName: one.example}
"""


def test_names_outside_may_lead_where_the_options_let_them(tmp_path: Path) -> None:
    new = GATEWAY + route("[{backendRefs: [{name: s, port: 80}]}]") + EXTERNAL
    assert "+ default/shop rule 0: 500: no backend" in diff(tmp_path, OLD, new).stdout
    allowed = diff(tmp_path, OLD, new, "--allow-external-name")
    assert ("+ default/shop rule 0: default/s:80" in allowed.stdout, allowed.stderr) == (True, "")


def test_a_redirect_behind_an_authorization_server_is_told_as_one_that_it_allows(tmp_path: Path) -> None:
    old = (
        GATEWAY
        + backend("auth")
        + route("""
  - filters:
    - type: ExternalAuth
      externalAuth: {protocol: HTTP, http: {}, backendRef: {group: penstock.dev, kind: Backend, name: auth}}
    - type: RequestRedirect
      requestRedirect: {hostname: one.example}
""")
    )
    done = diff(tmp_path, old, old.replace("one.example", "two.example"))
    assert "+ default/shop rule 0: 302 to http://two.example/" in done.stdout


FILTERED = (
    GATEWAY
    + route("""
  - filters: [{type: ExtensionRef, extensionRef: {group: penstock.dev, kind: DirectResponse, name: closed}}]
    backendRefs: [{group: penstock.dev, kind: Backend, name: a}]
  - matches: [{path: {value: /asked}}]
    filters:
    - type: ExternalAuth
      externalAuth: {protocol: HTTP, http: {}, backendRef: {group: penstock.dev, kind: Backend, name: auth}}
    backendRefs: [{group: penstock.dev, kind: Backend, name: named}]
---
apiVersion: penstock.dev/v1alpha1
kind: DirectResponse
metadata: {name: closed}
spec: {status: 503, body: hello}
""")
    + backend("a")
    + backend("auth", "10.0.0.2")
    + backend("named", "one.example")
)


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("closed", "shut", None),  # only another name
        ("10.0.0.1", "10.0.0.9", None),  # behind a filter that answers
        ("hello", "good bye", '"body": "8 octets, sha256 '),
        ("10.0.0.2", "10.0.0.9", "; beside it default/auth in clear text at 10.0.0.9:8080"),
        ("one.example", "two.example", "default/named in clear text at two.example:8080"),
    ],
)
def test_what_filters_and_names_lead_to_is_part_of_an_answer(
    was: str, becomes: str, told: str | None, tmp_path: Path
) -> None:
    done = diff(tmp_path, FILTERED, FILTERED.replace(was, becomes))
    assert (done.exit_code, done.stderr) == (0 if told is None else 1, "")
    changed = [line for line in done.stdout.splitlines() if line.startswith("  + ")]
    assert [told in line for line in changed] == ([] if told is None else [True])


@pytest.mark.parametrize(
    ("example", "was", "becomes", "told"),
    [
        ("session-persistence", "name: cart }", "name: basket }", "sessions by cookie basket with path /"),
        ("session-persistence", "name: shop\n      matches", "name: goods\n      matches", None),  # only another name
        ("backend-traffic-policy", "percent: 20", "percent: 30", "retries are at most 30 % of the requests in 10s"),
    ],
)
def test_sessions_and_budgets_are_part_of_an_answer(
    example: str, was: str, becomes: str, told: str | None, tmp_path: Path
) -> None:
    old = (ROOT / "config" / f"{example}.yaml").read_text()
    assert was in old
    done = diff(tmp_path, old, old.replace(was, becomes))
    changed = [line for line in done.stdout.splitlines() if line.startswith("  + ")]
    assert [told in line for line in changed] == ([] if told is None else [True])
