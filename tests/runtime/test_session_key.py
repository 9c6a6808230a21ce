"""The key of tokens: given, or what stands in for it."""

from pathlib import Path

import pytest

from proxy.runtime.session_key import default_session_key, read_session_key
from proxy.runtime.settings import Cluster, Settings

SECRET = b"not very secret after all"


def test_what_is_given_is_used_and_never_shown_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(SECRET)
    key = read_session_key(str(file))
    file.write_bytes(SECRET + b"\n")
    assert read_session_key(str(file)) == key and SECRET not in key and 16 <= len(key) <= 64
    assert Settings(("a",), session_key=key).translation().session_key == key
    assert Settings(("kubernetes:",), Cluster(), session_key=key).translation().session_key == key


def test_a_key_that_is_too_short_or_not_there_is_refused_without_being_told(tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_bytes(b"only15octets...")
    with pytest.raises(ValueError, match="holds 15 octets, and a key has at least 16") as refused:
        read_session_key(str(short))
    assert "only15" not in str(refused.value)
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        read_session_key(str(tmp_path / "none"))


def test_in_a_cluster_nothing_is_needed() -> None:
    assert Settings(("kubernetes:",), Cluster()).translation().session_key == b""


def test_elsewhere_the_machine_is_the_key_and_is_not_given_away(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"0123456789abcdef0123456789abcdef\n")
    other.write_bytes(b"fedcba9876543210fedcba9876543210\n")
    key = default_session_key(False, one)
    default_session_key.cache_clear()
    assert default_session_key(False, one) == key
    assert default_session_key(False, other) != key
    assert b"0123456789abcdef" not in key


@pytest.mark.parametrize("content", [None, b"", b"uninitialized"])
def test_without_one_chance_is_and_all_of_this_process_agree(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "machine-id"
    if content is not None:
        file.write_bytes(content)
    key = default_session_key(False, file)
    assert len(key) == 32 and default_session_key(False, file) == key
    default_session_key.cache_clear()
    assert default_session_key(False, file) != key
