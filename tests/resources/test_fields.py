"""Our patterns accept what the patterns of the CRDs accept, without their traps."""

import re
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Meta

from proxy.resources import fields

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
TOKEN = r"[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+"

CRD: dict[str, tuple[Any, str]] = {
    "namespace": (fields.NamespaceName, LABEL),
    "section name": (fields.SectionName, SUBDOMAIN),
    "group": (fields.Group, rf"|{SUBDOMAIN}"),
    "kind": (fields.KindName, "[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?"),
    "hostname": (fields.Hostname, rf"(\*\.)?{SUBDOMAIN}"),
    "precise hostname": (fields.PreciseHostname, SUBDOMAIN),
    "header name": (fields.HeaderName, TOKEN),
    "header value": (fields.HeaderValue, r"[!-~]+([\t ]?[!-~]+)*"),
    "duration": (fields.Duration, "([0-9]{1,5}(h|m|s|ms)){1,4}"),
    "controller": (fields.ControllerName, rf"{SUBDOMAIN}\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+"),
    "origin": (fields.CorsOrigin, r"\*|(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)(:([0-9]{1,5}))?)"),
}


def meta_of(field: Any) -> Meta:
    meta = get_args(field)[1]
    assert isinstance(meta, Meta)
    return meta


ALPHABET = "aZ09-.*/: \t\n~éhms1"


@pytest.mark.parametrize("name", CRD)
@given(text=st.text(ALPHABET, max_size=12))
@example(text="a.example.com")
@example(text="a\n")
@example(text="1h30m")
@example(text="https://a.b:80")
def test_a_pattern_agrees_with_the_crd(name: str, text: str) -> None:
    field, original = CRD[name]
    pattern = meta_of(field).pattern
    assert pattern is not None
    assert bool(re.search(pattern, text)) == bool(re.fullmatch(original, text))


@pytest.mark.parametrize("name", CRD)
@pytest.mark.parametrize("hostile", ["a" * 50_000 + "\n", "a-" * 25_000, "a " * 25_000 + "\x00", "1" * 50_000])
def test_no_input_makes_a_pattern_backtrack(name: str, hostile: str) -> None:
    """An exponential pattern would not come back within the timeout of the suite."""
    pattern = meta_of(CRD[name][0]).pattern
    assert pattern is not None
    re.search(pattern, hostile)


def test_every_pattern_has_words_for_it() -> None:
    patterns = {name: get_args(value) for name, value in vars(fields).items() if len(get_args(value)) == 2}
    metas = {name: args[1] for name, args in patterns.items() if isinstance(args[1], Meta)}
    assert len(metas) > 15
    assert [name for name, meta in metas.items() if meta.pattern and not meta.description] == []
