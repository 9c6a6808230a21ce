"""Operational logs."""

import logging
import re
from collections.abc import Iterator

import pytest

from proxy.observe.log import configure_logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_records_have_time_and_level_and_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    logging.getLogger("penstock").info("it %s", "runs")
    logging.getLogger("penstock").debug("not this")
    written = capsys.readouterr()
    assert written.out == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO    it runs\n", written.err)


def test_further_lines_are_indented(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning")
    logging.getLogger("penstock").error("one\ntwo")
    assert capsys.readouterr().err.endswith("ERROR   one\n    two\n")
