"""An explanation for people: from the request at the top to the endpoints, then why it was this rule."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proxy.cli.page import PLAIN, Page, Style
from proxy.snapshot.describe import match_words

Data = Mapping[str, Any]
BOLD: Style = {"bold": True}
ORIGIN: Style = {"dim": True}
GOOD: Style = {"fg": "green"}
BAD: Style = {"fg": "red"}
HINT: Style = {"fg": "yellow"}


def lines(told: Data, columns: int) -> Iterable[str]:
    """The whole page."""
    page = Page(columns)
    _request(page, told)
    if "refused" in told:
        page.line(2, f"refused before any rule is asked: {told['refused']}", hang=4, style=BAD)
    elif told["winner"] is None:
        page.line(2, f"no rule answers: {_status(told['outcomes'][0])}", style=BAD)
        page.line(2, told["outcomes"][0]["why"])
        _near_misses(page, told["near_misses"])
    else:
        page.line(2, f"{_named(told['winner'])} answers", hang=4, style=GOOD)
        _origins(page, 6, [told["winner"].get("from")])
        _answer(page, told)
    return page.lines()


def _request(page: Page, told: Data) -> None:
    page.line(0, f"{told['request']['method']} {told['request']['url']}", style=BOLD)
    if told["tls"] is not None:
        name = told["tls"]["server_name"] or "no server name"
        chosen = told["tls"]["listener"]
        page.line(2, f"TLS: {name} chooses {f'listener {chosen}' if chosen else 'no listener'}", hang=4)
        _clients(page, told["tls"]["clients"])
    if told["address"] is not None and "refused" not in told:
        note = f" ({told['note']})" if told["note"] else ""
        page.line(2, f"port {told['port']}{note}{_address(told)}, {_listener(told['listener'])}", hang=4)
    if told.get("serving"):
        page.line(2, _serving(told["serving"]), hang=4)


def _listener(key: str | None) -> str:
    return f"listener {key}" if key else "no listener: no hostname takes this host"


def _address(told: Data) -> str:
    """Worth a word only where there are several."""
    others = [f"{one['address']} of {', '.join(one['gateways'])}" for one in told["addresses"]]
    if len(others) < 2:
        return ""
    return f" at address {told['address']} (there are {'; '.join(others)})"


def _serving(serving: Data) -> str:
    workers = ", ".join(f"{index}: {generation}" for index, generation in serving["workers"].items())
    return f"generation {serving['generation']}; workers have {workers}"


def _clients(page: Page, mode: str | None) -> None:
    """That a request came so far does not say that its client was let in."""
    if mode is not None:
        without = "kept out" if mode == "AllowValidOnly" else "let in all the same"
        page.line(2, f"clients are asked for a certificate ({mode}): those without a valid one are {without}", hang=4)


# --- what happens -----------------------------------------------------------------------------


def _answer(page: Page, told: Data) -> None:
    if told["filters"]:
        page.heading("filters, in order")
        _filters(page, 2, told["filters"])
    if "answer" in told:
        _own_answer(page, 2, told["answer"])
    else:
        _forwards(page, told)
        _backends(page, told)
        page.heading("what the client gets")
        for one in told["outcomes"]:
            style = PLAIN if one["status"] is None else BAD
            page.line(2, f"{one['percent']:g} %  {_outcome(one)}", hang=4, style=style)
    if told.get("policies"):
        page.heading("policies")
        _policies(page, 2, told["policies"])
    _passed_over(page, told.get("passed_over", ()))
    page.heading("candidates, in order of precedence")
    for place, one in enumerate(told["candidates"], 1):
        why = f"; before the next by {one['decided_by']}" if one["decided_by"] else ""
        page.line(2, f"{place}. {_named(one)}{why}", hang=3)


def _filters(page: Page, indent: int, filters: Sequence[Data]) -> None:
    for place, one in enumerate(filters, 1):
        state = ", not reached" if one.get("reached") is False else ""
        page.line(indent, f"{place}. {one['type']}{_settings(one)}{state}", hang=3)
        _origins(page, indent + 5, [one.get("from")])
        for change in one.get("changes", ()):
            page.line(indent + 3, f"{change['what']}: {_value(change['before'])} -> {_value(change['after'])}", hang=4)
        if "copy" in one:
            copy = one["copy"]
            sent = f"{copy['percent']:g} % copied to {one['backend']}: {copy['target']} with Host: {copy['host']}"
            page.line(indent + 3, sent, hang=4)
        if "if_not_200" in one:
            asked = f"{one['backend']} is asked: 200 lets the request pass, else {one['if_not_200']}"
            page.line(indent + 3, asked, hang=4)
        if "dropped" in one:
            page.line(indent + 3, f"does nothing: {one['dropped']}", hang=4, style=BAD)
        if "detail" in one:
            page.line(indent + 3, one["detail"], hang=4, style=BAD)
        for name, value in one.get("on_response", ()):
            page.line(indent + 3, f"response {name}: {value}", hang=4)
        if one.get("remove") and one["type"] == "ResponseHeaderModifier":
            page.line(indent + 3, f"response without {', '.join(one['remove'])}", hang=4)
        if one.get("hint"):
            page.line(indent + 3, f"hint: {one['hint']}", hang=4, style=HINT)
        _policies(page, indent + 3, one.get("policies", ()))


_ADDED = {
    "type", "changes", "on_response", "copy", "if_not_200", "reached", "dropped", "detail", "hint", "from", "policies",
}  # fmt: skip


def _settings(one: Data) -> str:
    """What the user wrote, without the signs of YAML: ` (path ReplacePrefixMatch /new; statusCode 302)`."""
    said = [f"{name} {_words(value)}" for name, value in one.items() if name not in _ADDED]
    return f" ({'; '.join(said)})" if said else ""


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['name']}: {value['value']}" if "name" in value else " ".join(map(_words, value.values()))
    return ", ".join(map(_words, value)) if isinstance(value, list) else str(value)


def _value(value: str | None) -> str:
    return "(none)" if value is None else value or "(empty)"


def _own_answer(page: Page, indent: int, answer: Data) -> None:
    why = answer.get("reason") or (f"Location: {answer['location']}" if answer["location"] else "")
    page.line(indent, f"answered here with {answer['status']}" + (f", {why}" if why else ""), hang=4, style=GOOD)
    for name, value in answer.get("headers", ()):
        page.line(indent + 2, f"{name}: {value}", hang=4)


def _forwards(page: Page, told: Data, indent: int = 0) -> None:
    if indent:
        page.line(indent, "forwards")
    else:
        page.heading("forwards")
    page.line(indent + 2, told["forwards"]["request_line"], hang=4)
    for name, value in told["forwards"]["headers"]:
        page.line(indent + 2, f"{name}: {value}", hang=4)


def _backends(page: Page, told: Data) -> None:
    page.heading("backends")
    if not told["backends"]:
        page.line(2, "no backend: 500", style=BAD)
    for one in told["backends"]:
        page.line(2, f"{one['percent']:g} %  to {one['backend']}: {_outcome(one['outcome'])}", hang=4)
        if places := [*one["endpoints"], *map(_name, one["names"])]:
            how = f"; {one['balance']}" if one["balance"] else ""
            page.line(6, ", ".join(places) + how, hang=2)
        if one["filters"]:
            _filters(page, 6, one["filters"])
        if "answer" in one:
            _own_answer(page, 6, one["answer"])
        elif one["forwards"] != told["forwards"]:
            _forwards(page, one, 6)
        _policies(page, 6, one.get("policies", ()))


def _name(name: Data) -> str:
    """A DNS name and what it leads to; nothing is looked up here, only a running gateway can say."""
    found = name.get("resolved")
    if found is None:
        return f"{name['name']} (looked up as it runs)"
    state = f" ({found['state']})" if found["state"] != "fresh" else ""
    return f"{name['name']} -> {', '.join(found['addresses']) or found['reason'] or 'nothing yet'}{state}"


def _outcome(one: Data) -> str:
    return one["why"] if one["status"] is None else f"{_status(one)}, {one['why']}"


def _status(one: Data) -> str:
    """With the words of the access log."""
    words = " ".join(part for part in (one["flags"], one["reason"]) if part)
    return str(one["status"]) + (f" ({words})" if words else "")


# --- policies and origins ---------------------------------------------------------------------


def _policies(page: Page, indent: int, policies: Sequence[Data]) -> None:
    names = max((len(one["policy"]) for one in policies), default=0)
    for one in policies:
        said = [origin for origin in one["from"] if "default" not in origin]
        page.row(indent, one["policy"], one["words"] + ("" if said else " (default)"), names)
        if one.get("hint"):
            page.line(indent + names + 2, f"hint: {one['hint']}", hang=2, style=HINT)
        _origins(page, indent + names + 2, one["from"] if said else ())


def _origins(page: Page, indent: int, origins: Sequence[Data | None]) -> None:
    for place, one in enumerate(one for one in origins if one is not None):
        page.line(indent, f"{'     ' if place else 'from '}{_origin(one)}", hang=7, style=ORIGIN)


def _origin(one: Data) -> str:
    if "option" in one:
        return f"{one['option']} {one['value']}"
    if "default" in one:
        return f"default ({one['default']})"
    name = "/".join(part for part in (one["namespace"], one["name"]) if part)
    place = f" ({one['file']}:{one['line']})" if "file" in one else ""
    return " ".join(part for part in (one["kind"], name, one["field"]) if part) + place


# --- entries ----------------------------------------------------------------------------------


def _near_misses(page: Page, misses: Sequence[Data]) -> None:
    if misses:
        page.heading("near misses, the nearest first")
    for place, one in enumerate(misses, 1):
        _miss(page, f"{place}. ", one)


def _passed_over(page: Page, missed: Sequence[Data]) -> None:
    if missed:
        page.heading("would come before it, but cannot")
    for one in missed:
        _miss(page, "", one)


def _miss(page: Page, number: str, one: Data) -> None:
    page.line(2, f"{number}{_named(one)}", hang=3)
    page.line(5, one["detail"], hang=2)
    if one["hint"]:
        page.line(5, f"hint: {one['hint']}", hang=2, style=HINT)
    _origins(page, 5, [one.get("from")])


def _named(one: Data) -> str:
    rule = f"rule {one['rule']}" + (f" ({one['rule_name']})" if one["rule_name"] else "")
    return f"{one['route']} {rule} match {one['match']} [{one['hostname']} {match_words(one['conditions'])}]"
