"""sessionPersistence, as the CRDs of both releases judge it."""

import msgspec
import pytest
import yaml

from proxy.resources.problem import dotted
from proxy.resources.session import SessionPersistence
from proxy.resources.validate_session import validate_session

SOUND = [
    # (what is declared, name, path, permanent)
    ("{}", None, "/", False),
    ("{type: Cookie}", None, "/", False),
    ("{sessionName: s}", "s", "/", False),
    ("{sessionName: s, cookieConfig: {lifetimeType: Session}}", "s", "/", False),
    ("{cookieConfig: {lifetimeType: Permanent}, absoluteTimeout: 1h}", None, "/", True),
    ("{type: Header, sessionName: x-s, absoluteTimeout: 1h}", "x-s", "/", False),
    ("{type: Header}", None, "/", False),
    ("{cookie: {}}", None, "/", False),
    ("{cookie: {name: c, path: /shop, lifetimeType: Session}}", "c", "/shop", False),
    ("{cookie: {lifetimeType: Permanent}, absoluteTimeout: 1h}", None, "/", True),
    ("{type: Header, header: {name: x-s}}", "x-s", "/", False),
]

UNSOUND = [
    # (what is declared, fields that are said to be wrong)
    ("{type: Header, cookieConfig: {}}", ["cookieConfig"]),
    ("{type: Header, header: {name: x}, cookie: {}}", ["cookie"]),
    ("{header: {name: x}}", ["header"]),
    ("{cookieConfig: {lifetimeType: Permanent}}", ["absoluteTimeout"]),
    ("{cookie: {lifetimeType: Permanent}}", ["absoluteTimeout"]),
    ("{sessionName: s, cookie: {}}", ["sessionName"]),
    ("{cookieConfig: {}, cookie: {}}", ["cookieConfig"]),
    ("{type: Header, sessionName: s, header: {name: x}}", ["sessionName"]),
]


def read(text: str) -> SessionPersistence:
    return msgspec.convert(yaml.safe_load(text), SessionPersistence)


@pytest.mark.parametrize(("text", "name", "path", "permanent"), SOUND)
def test_both_shapes_say_the_same_things(text: str, name: str | None, path: str, permanent: bool) -> None:
    given = read(text)
    assert list(validate_session(given, ())) == []
    assert (given.name, given.path, given.permanent) == (name, path, permanent)


@pytest.mark.parametrize(("text", "fields"), UNSOUND)
def test_what_no_release_allows(text: str, fields: list[str]) -> None:
    assert [dotted(found.path) for found in validate_session(read(text), ())] == fields


@pytest.mark.parametrize(
    "text", ["{cookie: {name: 'a b'}}", "{cookie: {name: ''}}", "{type: Header, header: {}}", "{absoluteTimeout: 1d}"]
)
def test_what_the_types_refuse(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(text)
