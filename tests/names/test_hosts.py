"""Names that need no DNS."""

from pathlib import Path

import pytest

from proxy.names.hosts import from_hosts_file, is_localhost

HOSTS = """
127.0.0.1\tlocalhost
192.0.2.1  db db.example.com   # the database
2001:db8::1 DB
fe80::1%eth0 db
not-an-address db
192.0.2.1 db
192.0.2.9
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "hosts"
    file.write_text(HOSTS)
    return file


@pytest.mark.parametrize("host", ["db", "DB", "db."])
def test_a_name_has_all_addresses_of_its_lines(host: str, path: Path) -> None:
    assert from_hosts_file(host, path) == ("192.0.2.1", "2001:db8::1")


@pytest.mark.parametrize("host", ["example.com", "the", "database", "192.0.2.9"])
def test_others_have_none(host: str, path: Path) -> None:
    assert from_hosts_file(host, path) == ()


def test_nor_has_any_without_the_file(tmp_path: Path) -> None:
    assert from_hosts_file("db", tmp_path / "hosts") == ()


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("LocalHost.", True), ("a.localhost", True), ("localhost.com", False), ("alocalhost", False)],
)
def test_localhost_and_what_is_below_it_are_here(host: str, expected: bool) -> None:
    assert is_localhost(host) is expected
