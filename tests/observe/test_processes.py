"""Process metrics of every process."""

import os

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from proxy.observe.processes import process_metrics


def test_every_process_has_its_series() -> None:
    render = process_metrics(lambda: {"control": os.getpid(), "worker-0": os.getppid()})
    for parse, page in ((parse_text, render(False)), (parse_openmetrics, render(True))):
        families = {family.name: family for family in parse(page.decode())}
        memory = families["process_resident_memory_bytes"].samples
        assert {sample.labels["process"] for sample in memory} == {"control", "worker-0"}
        assert all(sample.value > 0 for sample in memory)
        assert "python_info" in families


def test_a_process_that_has_ended_is_left_out() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert b'process="gone"' not in process_metrics(lambda: {"gone": child})(False)
