"""proxy.testing without pytest's help: what is loaded, what is answered, how a wrong expectation reads."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import proxy.testing
from proxy.cli.main import main
from proxy.snapshot.question import BadQuestion
from proxy.testing import Answer, ConfigurationError, Gateway, load

ROUTES = Path(__file__).parent / "routes.yaml"
TEXT = ROUTES.read_text()
HTTPS = Path(__file__).parent.parent.parent / "config" / "https.yaml"
CART = "http://a/cart"


@pytest.fixture(scope="module")
def gateway() -> Gateway:
    return load(ROUTES)


def test_an_answer_can_be_read(gateway: Gateway) -> None:
    answer = gateway.post("http://a/cart?x=1", headers={"Cookie": ["a", "b"], "X-Other": "c"})
    assert (answer.route, answer.rule, answer.rule_name, answer.match) == ("default/shop", 0, "cart", 0)
    assert (answer.listener, answer.status, answer.location) == ("default/web/http", None, None)
    assert (answer.path, answer.host, answer.backends) == ("/cart?x=1", "a", {"default/cart": 100})
    assert (answer.headers["x-shop"], answer.headers["x-other"], "cookie" in answer.headers) == (["a"], ["c"], False)
    assert (answer.response_headers, answer.mirrors) == ({"vary": ["x"]}, {"default/next": 100})
    assert answer.told["request"]["method"] == "POST"
    assert str(answer).startswith("POST http://a/cart?x=1\n  port 80, listener default/web/http\n")
    assert repr(answer) == "<POST http://a/cart?x=1: default/cart>"


def test_where_nothing_is_forwarded_there_is_less_to_read(gateway: Gateway) -> None:
    answer = gateway.get("http://a/")
    assert (answer.route, answer.rule, answer.rule_name, answer.match) == (None, None, None, None)
    assert (answer.status, answer.backends, answer.path, answer.headers) == (404, {}, "", {})
    assert gateway.get("http://a/old").location == "http://new.example/old"
    assert gateway.get("http://a:81/").status is None


def test_every_expectation_that_holds_gives_the_answer_back(gateway: Gateway) -> None:
    cart = gateway.get(CART)
    assert cart.goes_to("cart").takes("shop").takes("shop", "cart").mirrors_to("next") is cart
    assert cart.forwards("/cart").forwards(host="a", headers={"X-Shop": "a", "Cookie": None}) is cart
    assert cart.expect(response_headers={"Vary": "x"}, match=0) is cart
    assert gateway.get("http://a/split").splits({"cart": 75, "next": 25}).status is None
    gateway.get("http://a/old").redirects_to("http://new.example/old").redirects_to("http://new.example/old", 302)
    gateway.get("http://a/old").answers(302, headers={"Location": "http://new.example/old"})
    gateway.get("http://a/").answers(404).is_taken_by_nobody()


FAILING: list[tuple[Callable[[Answer], object], str]] = [
    (lambda answer: answer.goes_to("next"), "backend: expected default/next, got default/cart"),
    (
        lambda answer: answer.splits({"cart": 50, "next": 50}),
        "backends: expected default/cart (50 %), default/next",
    ),
    (lambda answer: answer.takes("other"), "route: expected default/other, got default/shop rule 0 (cart) match 0"),
    (lambda answer: answer.takes("shop", 1), "rule: expected 1, got default/shop rule 0 (cart) match 0"),
    (lambda answer: answer.forwards("/"), "path: expected /, got /cart"),
    (lambda answer: answer.forwards(host="b"), "host: expected b, got a"),
    (lambda answer: answer.forwards(headers={"A": "b"}), "headers.a: expected 'b', got none"),
    (lambda answer: answer.answers(404), "status: expected the gateway to answer 404, got default/cart"),
    (lambda answer: answer.redirects_to("http://b/"), "location: expected http://b/, got default/cart"),
    (lambda answer: answer.mirrors_to(), "mirrors: expected nobody, got default/next (100 %)"),
    (lambda answer: answer.is_taken_by_nobody(), "no_match: expected no rule to take it, got default/shop rule 0"),
]


@pytest.mark.parametrize(("expect", "words"), FAILING)
def test_one_that_does_not_hold_says_so_and_why(
    gateway: Gateway, expect: Callable[[Answer], object], words: str
) -> None:
    answer = gateway.get(CART)
    with pytest.raises(AssertionError) as caught:
        expect(answer)
    assert str(caught.value).startswith(words)
    assert str(caught.value).endswith(f"\n\n{answer}")


def test_what_is_no_expectation_is_told(gateway: Gateway) -> None:
    with pytest.raises(TypeError, match="unknown field `rout`"):
        gateway.get(CART).expect(rout="shop")  # type: ignore[call-arg]  # the mistake that is meant
    with pytest.raises(TypeError, match="wants a path, a host or headers"):
        gateway.get(CART).forwards()


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
def test_there_is_a_way_to_ask_with_each_method(gateway: Gateway, method: str) -> None:
    answer: Answer = getattr(gateway, method)(CART, headers={"A": "b"})
    assert answer.told["request"] == {"method": method.upper(), "url": CART, "headers": [["A", "b"]]}


def test_a_client_and_a_server_name_can_be_given(gateway: Gateway) -> None:
    assert gateway.request("GET", CART, client="192.0.2.1").headers["x-forwarded-for"] == ["192.0.2.1"]
    assert load(HTTPS).request("GET", "https://shop.example.com:8443/", sni="a.tenants.example.com").status == 421


def test_of_several_addresses_of_one_port_one_can_be_asked() -> None:
    first, others = TEXT.split("---", 1)
    second = first.replace("name: web", "name: second") + "  addresses: [{value: 127.0.0.3}]\n"
    gateway = load(first + "  addresses: [{value: 127.0.0.2}]\n---" + others, second)
    assert gateway.request("GET", CART, address="127.0.0.2").route == "default/shop"
    gateway.request("GET", CART, address="127.0.0.3").is_taken_by_nobody()


def test_a_question_that_no_client_could_ask_is_refused(gateway: Gateway) -> None:
    with pytest.raises(BadQuestion, match="the scheme must be http or https"):
        gateway.get("ftp://a/")


# --- loading ----------------------------------------------------------------------------------


def test_configuration_comes_from_paths_text_and_objects(tmp_path: Path) -> None:
    gateway_object, *others = TEXT.split("---\n")
    (tmp_path / "b.yaml").write_text(others[1])
    web = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "web"},
        "spec": {"gatewayClassName": "penstock", "listeners": [{"name": "http", "protocol": "HTTP", "port": 80}]},
    }
    assert gateway_object.startswith("apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n")
    load(web, others[0], tmp_path, others[2]).get(CART).goes_to("cart")


def test_relative_paths_are_seen_from_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROUTES.parent)
    load("routes.yaml").get(CART).goes_to("cart")


def test_errors_have_the_text_of_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text(TEXT.replace("matches", "match", 1))
    with pytest.raises(ConfigurationError) as caught:
        load("bad.yaml")
    assert f"{caught.value}\n" == CliRunner().invoke(main, ["check", "bad.yaml"]).stdout
    assert "did you mean matches?" in str(caught.value)
    assert [problem.severity for problem in caught.value.problems] == ["error"]


def test_what_has_errors_can_be_loaded_all_the_same() -> None:
    gateway = load(TEXT.replace("kind: Backend, name: cart", "kind: Backend, name: nowhere", 1), strict=False)
    assert [problem.severity for problem in gateway.problems] == ["error"]
    gateway.get(CART).answers(500)


def test_warnings_are_kept() -> None:
    [warning] = load(TEXT.replace("  rules:\n", "  rules:\n  - matches: [{path: {value: /x}}]\n", 1)).problems
    assert warning.severity == "warning"


async def test_a_loop_that_runs_is_not_minded() -> None:
    assert asyncio.get_running_loop()
    load(ROUTES).get(CART).goes_to("cart")


def test_it_costs_nothing_until_something_is_loaded() -> None:
    program = """
import sys
before = set(sys.modules)
import proxy.testing
assert {name for name in sys.modules if name.startswith("proxy")} == {"proxy", "proxy.testing"}
assert not {"pytest", "msgspec", "yaml", "click"} & (sys.modules.keys() - before)
proxy.testing.load("a: b\\n", strict=False)
assert "pytest" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_all_that_is_promised_is_there() -> None:
    assert [name for name in proxy.testing.__all__ if not hasattr(proxy.testing, name)] == []
    assert not hasattr(proxy.testing, "nothing")
