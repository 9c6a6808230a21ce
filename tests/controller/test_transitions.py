"""What people are told about a status that changed."""

from typing import Any

import pytest

from proxy.controller.transitions import Notice, transitions

US = "penstock.dev/gateway-controller"


def condition(kind: str, status: str, message: str = "so", reason: str = "Because") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def top(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"conditions": list(conditions)}


GOOD = top(condition("Accepted", "True", "served", "Accepted"))
BAD = top(condition("Accepted", "False", "no such kind", "InvalidParameters"))
WARNING = Notice("Warning", "InvalidParameters", "no such kind")

ROWS = [
    ("new and good", {}, GOOD, []),
    ("new and bad", {}, BAD, [WARNING]),
    ("never spoken of, then good", top(condition("Accepted", "Unknown")), GOOD, []),
    ("good, then bad", GOOD, BAD, [WARNING]),
    ("bad as before", BAD, BAD, []),
    ("bad for another reason", top(condition("Accepted", "False", "else")), BAD, [WARNING]),
    ("bad, then good", BAD, GOOD, [Notice("Normal", "Accepted", "Accepted again: served")]),
    (
        "what follows from a cause is not said",
        {},
        top(condition("Accepted", "False", "odd"), condition("Programmed", "False", "not accepted")),
        [Notice("Warning", "Because", "odd")],
    ),
    (
        "the same words twice are said once",
        {},
        top(condition("Accepted", "False", "clash"), condition("Conflicted", "True", "clash")),
        [Notice("Warning", "Because", "clash")],
    ),
    ("foreign types are none of ours", {}, top(condition("example.com/Checked", "False")), []),
    ("what is on its way is not bad", {}, top(condition("Programmed", "False", "soon", "Pending")), []),
    (
        "clients that are let in unchecked are worth a warning, and no word when that has ended",
        {},
        top(condition("InsecureFrontendValidationMode", "True", "let in", "ConfigurationChanged")),
        [Notice("Warning", "ConfigurationChanged", "let in")],
    ),
    ("it has ended", top(condition("InsecureFrontendValidationMode", "True")), top(), []),
    ("no conflict is good", {}, top(condition("Conflicted", "False")), []),
    (
        "a listener is named",
        {},
        {"listeners": [{"name": "http", **BAD}]},
        [Notice("Warning", "InvalidParameters", "listener http: no such kind", "spec.listeners{http}")],
    ),
    (
        "a parent is named, and those of others are not ours",
        {},
        {
            "parents": [
                {"parentRef": {"name": "web", "namespace": "infra", "port": 80}, "controllerName": US, **BAD},
                {"parentRef": {"kind": "Gateway", "name": "x", "sectionName": "s"}, "controllerName": US, **BAD},
                {"parentRef": {"name": "else"}, "controllerName": "example.com/other", **BAD},
            ]
        },
        [
            Notice("Warning", "InvalidParameters", "at Gateway infra/web, port 80: no such kind"),
            Notice("Warning", "InvalidParameters", "at Gateway x, listener s: no such kind"),
        ],
    ),
]


@pytest.mark.parametrize(("what", "before", "after", "told"), ROWS, ids=[row[0] for row in ROWS])
def test_what_is_told(what: str, before: dict[str, Any], after: dict[str, Any], told: list[Notice]) -> None:
    assert list(transitions(before, after, US)) == told
