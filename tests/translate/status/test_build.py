"""Statuses are made once for each route and state of it."""

from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import Translation, translate
from tests.translate.declare import APP, WEB, declare, route

RULES = "[{backendRefs: [{group: penstock.dev, kind: Backend, name: app}]}]"


def of_routes(translation: Translation) -> dict[str, object]:
    return {item.key.name: item for item in translation.statuses if item.kind == "HTTPRoute"}


def test_a_route_that_did_not_change_keeps_its_status() -> None:
    base = declare(WEB, APP, route(RULES, name="a"))
    settings = TranslateSettings()
    first = translate(base, settings)
    assert of_routes(translate(base, settings, first)) == of_routes(first)
    more = type(base)([*base, *declare(route(RULES, name="b"))])
    second = translate(more, settings, first)
    assert of_routes(second)["a"] is of_routes(first)["a"]
    assert set(of_routes(second)) == {"a", "b"}


def test_when_its_gateway_changes_so_may_the_status() -> None:
    base = declare(APP, route(RULES, name="a"))
    settings = TranslateSettings()
    without = translate(base, settings)
    assert of_routes(without) == {}
    with_gateway = translate(type(base)([*base, *declare(WEB)]), settings, without)
    assert set(of_routes(with_gateway)) == {"a"}
    assert of_routes(translate(base, settings, with_gateway)) == {}


def test_what_was_never_asked_for_is_no_burden() -> None:
    base = declare(WEB, APP, route(RULES, name="a"))
    settings = TranslateSettings()
    translation = translate(base, settings)
    for _ in range(3):
        translation = translate(base, settings, translation)
    assert translation.memory.made == {}
    assert set(of_routes(translation)) == {"a"}
