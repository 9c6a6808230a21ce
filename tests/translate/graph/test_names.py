"""Names of what is made for Gateways: legal, always the same, and each Gateway's own."""

import re

from hypothesis import given
from hypothesis import strategies as st

from proxy.resources.meta import ObjectKey
from proxy.translate.graph.names import label_value, local_name, owner_labels, shared_name

DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?){0,6}", fullmatch=True)


def test_a_short_name_is_kept() -> None:
    assert local_name(ObjectKey("ns", "web")) == "web-penstock"
    assert label_value("a.b") == "a.b"


def test_what_does_not_fit_is_cut_and_hashed() -> None:
    assert local_name(ObjectKey("ns", "1.example.com")) == "g-1-example-com-75cfb4a1b1-penstock"
    assert len(local_name(ObjectKey("ns", "a" * 253))) == 63
    assert len(label_value("a" * 253)) == 63


def test_shared_names_tell_namespaces_apart() -> None:
    assert shared_name(ObjectKey("a-b", "c")) != shared_name(ObjectKey("a", "b-c"))


@given(NAMES, NAMES)
def test_legal_stable_and_its_own(one: str, other: str) -> None:
    for key in (ObjectKey("ns", one), ObjectKey("ns", other)):
        for name in (local_name(key), shared_name(key)):
            assert DNS_1035.fullmatch(name)
            assert len(name) <= 63
        for value in owner_labels(key).values():
            assert LABEL_VALUE.fullmatch(value)
            assert len(value) <= 63
    same = one == other
    assert (local_name(ObjectKey("ns", one)) == local_name(ObjectKey("ns", other))) == same
    assert (shared_name(ObjectKey("ns", one)) == shared_name(ObjectKey("ns", other))) == same
    assert (label_value(one) == label_value(other)) == same
