"""The pytest plugin, in pytests of its own: what a user's run shows."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli.main import main

pytest_plugins = ["pytester"]

ROUTES = (Path(__file__).parent / "routes.yaml").read_text()
INI = "[pytest]\nfilterwarnings = error\naddopts = -p no:asyncio -p no:cacheprovider -p no:hypothesispytest\n"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A user's project, with routes.yaml."""
    pytester.makefile(".ini", pytest=INI)
    pytester.path.joinpath("routes.yaml").write_text(ROUTES)
    return pytester


def test_pytest_finds_it_by_its_entry_point() -> None:
    [found] = entry_points(group="pytest11", name="penstock")
    assert found.value == "proxy.testing.plugin"


TEST = """
import pytest

@pytest.fixture(scope="module")
def gateway(penstock):
    return penstock.load("routes.yaml")

def test_it(gateway):
    {body}
"""


def ran(project: pytest.Pytester, body: str) -> pytest.RunResult:
    project.makepyfile(TEST.format(body=body))
    return project.runpytest()


def test_a_test_asks_where_requests_go(project: pytest.Pytester) -> None:
    ran(project, 'gateway.get("http://a/cart").goes_to("cart")').assert_outcomes(passed=1)


EXPLAINED = [
    "GET http://a/cart",
    "  port 80, listener default/web/http",
    "  default/shop rule 0 (cart) match 0 [[]* PathPrefix /cart[]] answers",
]


def test_a_method_that_fails_shows_the_users_line_and_why(project: pytest.Pytester) -> None:
    done = ran(project, 'gateway.get("http://a/cart").goes_to("next")')
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ['>   *gateway.get("http://a/cart").goes_to("next")', "E   *backend: expected default/next, got default/cart"]
    )
    done.stdout.fnmatch_lines([f"E   *{line}" for line in EXPLAINED])
    assert "proxy/testing" not in done.stdout.str()
    assert "penstock explain" not in done.stdout.str()


def test_a_plain_assert_that_fails_is_explained_too(project: pytest.Pytester) -> None:
    done = ran(project, 'gateway.get("http://a/"); assert gateway.get("http://a/cart").rule == 1')
    done.stdout.fnmatch_lines(["E   *assert 0 == 1", "E   *where 0 = <GET http://a/cart: default/cart>.rule"])
    done.stdout.fnmatch_lines(["-* penstock explain -*", *EXPLAINED])
    assert "no rule answers: 404" in done.stdout.str()


def test_what_passing_tests_asked_is_not_shown_with_those_that_fail(project: pytest.Pytester) -> None:
    project.makepyfile(
        TEST.format(body='gateway.get("http://a/cart")') + '\ndef test_other(gateway):\n    assert gateway == "x"\n'
    )
    done = project.runpytest()
    done.assert_outcomes(passed=1, failed=1)
    assert "penstock explain" not in done.stdout.str()


def test_errors_of_the_configuration_read_as_check_prints_them(project: pytest.Pytester) -> None:
    bad = project.path / "routes.yaml"
    bad.write_text(ROUTES.replace("matches", "match", 1))
    done = ran(project, "pass")
    done.assert_outcomes(errors=1)
    lines = CliRunner().invoke(main, ["check", "routes.yaml"]).stdout.splitlines()
    assert len(lines) == 5
    assert [line for line in lines if f"  {line}" not in done.stdout.str() and line not in done.stdout.str()] == []
    assert "proxy/testing" not in done.stdout.str()


def test_relative_paths_are_seen_from_the_rootdir(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    project.makepyfile(**{"deep/test_it": TEST.format(body="pass")})
    monkeypatch.chdir(project.path / "deep")
    project.runpytest().assert_outcomes(passed=1)


def test_runs_that_do_not_use_it_pay_for_nothing(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys
        def test_nothing_is_imported():
            names = {name for name in sys.modules if name.partition(".")[0] == "proxy"}
            assert names == {"proxy", "proxy.testing", "proxy.testing.plugin"}
        def test_nothing_takes_part(pytestconfig):
            assert not pytestconfig.pluginmanager.has_plugin("penstock-journal")
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=2)


# --- files of cases ---------------------------------------------------------------------------

CASES = """
cases:
- name: the cart
  request: http://a/cart
  expect: {backend: cart}
- name: the cart, too
  request: http://a/cart
  expect: {backend: next}
"""


def cases(project: pytest.Pytester, text: str, name: str = "shop.penstock-test.yaml") -> None:
    (project.path / name).write_text(text)


def test_each_case_is_a_test(project: pytest.Pytester) -> None:
    cases(project, f"sources: [routes.yaml]{CASES}")
    done = project.runpytest("-v")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["shop.penstock-test.yaml::the cart PASSED*", "*::the cart, too FAILED*"])
    done.stdout.fnmatch_lines(
        ["shop.penstock-test.yaml:6:3", "backend: expected default/next, got default/cart", "", *EXPLAINED]
    )


def test_cases_are_chosen_as_tests_are(project: pytest.Pytester) -> None:
    cases(project, f"sources: [routes.yaml]{CASES}")
    project.runpytest("-k", "not too").assert_outcomes(passed=1, deselected=1)
    project.runpytest("shop.penstock-test.yaml::the cart").assert_outcomes(passed=1)


def test_a_case_that_cannot_be_read_fails_by_itself(project: pytest.Pytester) -> None:
    cases(project, f"sources: [routes.yaml]{CASES}- {{name: bad, request: http://a/, expect: {{rul: 1}}}}\n")
    done = project.runpytest()
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines(
        ["shop.penstock-test.yaml:9:44: error: cases[[]2[]].expect.rul: unknown field", "*hint: did you mean rule?"]
    )


def test_sources_and_names_of_files_can_be_set(project: pytest.Pytester) -> None:
    project.makefile(".ini", pytest=f"{INI}penstock_cases = routes-*.yml\npenstock_sources = routes.yaml\n")
    cases(project, CASES, "routes-a.yml")
    cases(project, CASES)
    project.runpytest().assert_outcomes(passed=1, failed=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CASES, "shop.penstock-test.yaml names no sources: write sources: into it, or set penstock_sources"),
        (
            f"sources: [bad.yaml]{CASES}",
            "bad.yaml:8:5: error[[]HTTPRoute/default/shop[]]: spec.rules[[]0[]].match: *",
        ),
        (f"sources: [missing.yaml]{CASES}", "missing.yaml: error: cannot be read: no such file or directory"),
    ],
)
def test_without_configuration_there_is_nothing_to_ask(project: pytest.Pytester, text: str, said: str) -> None:
    _, _, rest = ROUTES.partition("---\n")
    (project.path / "bad.yaml").write_text(rest.replace("matches", "match", 1))
    cases(project, text)
    done = project.runpytest()
    done.assert_outcomes(failed=2)
    done.stdout.fnmatch_lines([said])


def test_a_file_without_cases_is_an_error(project: pytest.Pytester) -> None:
    cases(project, ROUTES)
    done = project.runpytest()
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*no cases: a file with cases has a list named cases"])
