"""Addresses that names may not lead to, in every way of writing them."""

import pytest

from proxy.snapshot.guard import Guard

FORBIDDEN = [
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "unspecified"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.255", "loopback"),
    ("169.254.0.1", "link-local"),
    ("169.254.169.254", "link-local"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved or broadcast"),
    ("255.255.255.255", "reserved or broadcast"),
    ("100.100.100.200", "a metadata service"),
    ("168.63.129.16", "a metadata service"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("fe80::1", "link-local"),
    ("febf:ffff::1", "link-local"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
    ("fd00:ec2::254", "a metadata service"),
    # IPv4 within IPv6
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:169.254.169.254", "link-local"),
    ("::ffff:0.0.0.0", "unspecified"),
    ("::127.0.0.1", "loopback"),
    ("::ffff:0:127.0.0.1", "loopback"),
    ("64:ff9b::7f00:1", "loopback"),
    ("64:ff9b::a9fe:a9fe", "link-local"),
    ("64:ff9b:1::101:101", "behind a translator"),
    ("2002:7f00:1::", "loopback"),
    ("2001:0:1:2:3:4:80ff:fffe", "loopback"),
]  # fmt: skip

FINE = [
    "1.1.1.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.199", "126.255.255.255", "128.0.0.1",
    "169.253.255.255", "223.255.255.255", "2001:db8::1", "2606:4700::1111", "fd00::1", "fc00::1", "::ffff:10.0.0.1",
    "64:ff9b::101:101", "2002:101:101::",
]  # fmt: skip


@pytest.mark.parametrize(("address", "why"), FORBIDDEN)
def test_what_is_forbidden_says_why(address: str, why: str) -> None:
    assert Guard().refusal(address) == why


@pytest.mark.parametrize("address", FINE)
def test_everything_else_is_fine_private_networks_too(address: str) -> None:
    assert Guard().refusal(address) == ""


def test_more_can_be_denied_and_that_goes_for_all_ways_of_writing() -> None:
    guard = Guard(denied=("10.0.0.0/8", "fd00::/8"))
    assert guard.refusal("10.1.2.3") == "denied by an option"
    assert guard.refusal("::ffff:10.1.2.3") == "denied by an option"
    assert guard.refusal("fd12::1") == "denied by an option"
    assert guard.refusal("11.0.0.1") == ""


def test_what_is_allowed_wins() -> None:
    guard = Guard(allowed=("127.0.0.0/8", "10.1.0.0/16"), denied=("10.0.0.0/8",))
    assert [guard.refusal(each) for each in ("127.0.0.1", "::ffff:127.0.0.1", "10.1.0.1")] == ["", "", ""]
    assert [bool(guard.refusal(each)) for each in ("::1", "10.2.0.1", "169.254.1.1")] == [True, True, True]
