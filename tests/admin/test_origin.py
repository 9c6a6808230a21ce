"""Hosts that the admin address answers to."""

import pytest

from proxy.admin.origin import is_allowed


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:9900", True),
        ("127.0.0.1", True),
        ("[::1]:9900", True),
        ("10.1.2.3:80", True),
        ("localhost:9900", True),
        ("LOCALHOST.", True),
        ("penstock.localhost", True),
        ("gateway.internal:9900", True),
        ("evil.example", False),
        ("evil.example:9900", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("notlocalhost", False),
        ("[evil.example]", False),
        ("", False),
        (None, False),
    ],
)
def test_addresses_localhost_and_the_name_that_is_bound(host: str | None, allowed: bool) -> None:
    assert is_allowed(host, "gateway.internal") is allowed


def test_binding_every_address_names_none() -> None:
    assert not is_allowed("", "")
    assert not is_allowed("evil.example", "")
