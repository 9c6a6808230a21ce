"""Where access log lines go."""

import os
from pathlib import Path

from proxy.runtime.logfile import NONE, open_access_log


def test_off_is_nowhere() -> None:
    assert open_access_log("off") == NONE


def test_a_file_is_appended_to(tmp_path: Path) -> None:
    for line in (b"one\n", b"two\n"):
        descriptor = open_access_log(str(tmp_path / "log"))
        os.write(descriptor, line)
        os.close(descriptor)
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"


def test_a_dash_is_a_copy_of_stdout() -> None:
    descriptor = open_access_log("-")
    assert os.fstat(descriptor).st_ino == os.fstat(1).st_ino
    assert descriptor != 1
    os.close(descriptor)


def test_what_cannot_be_opened_is_told_and_no_reason_not_to_serve(tmp_path: Path, caplog) -> None:
    assert open_access_log(str(tmp_path / "missing" / "log")) == NONE
    assert "No such file or directory" in caplog.text
    assert "hint: give --access-log a path" in caplog.text
