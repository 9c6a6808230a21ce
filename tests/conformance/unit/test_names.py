"""Names and files: a cluster's place, leftovers, logs by time, CRDs, the report's name, scenarios."""

from pathlib import Path

import pytest

from tests.conformance import binaries, deliver, penstock
from tests.conformance.crds import documents, is_established
from tests.conformance.needs import available_mib
from tests.conformance.network import belongs_to
from tests.conformance.node.container import Line
from tests.conformance.node.logs import selected, text_of
from tests.conformance.place import Place, place_named
from tests.conformance.report import Count
from tests.conformance.results import Log, Result
from tests.conformance.scenarios import counted
from tests.conformance.suite import Wanted, arguments


def test_the_environment_names_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PENSTOCK_CLUSTER", raising=False)
    assert place_named() == Place("default")
    monkeypatch.setenv("PENSTOCK_CLUSTER", "other")
    assert place_named().namespace == "penstock-other"
    assert place_named("own") == Place("own")


@pytest.mark.parametrize("name", ["../up", "-a", "UPPER", "a" * 32, "a b"])
def test_a_name_that_could_be_a_path_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name is 1 to 31 of"):
        place_named(name)


@pytest.mark.parametrize(
    ("namespace", "ours"),
    [
        ("penstock-a", True),
        ("penstock-a-p10", True),
        ("penstock-a-b", False),
        ("penstock-a-pods", False),
        ("penstock-ab", False),
        ("penstock-b-p10", False),
    ],
)
def test_leftovers_of_one_cluster_are_not_anothers(namespace: str, ours: bool) -> None:
    assert belongs_to(Place("a"), namespace) is ours


LINES = [Line(100.5, b"a\n"), Line(160.0, b"b\n"), Line(161.0, b"c\n")]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, b"a\nb\nc\n"),
        ({"sinceTime": "1970-01-01T00:02:40Z"}, b"b\nc\n"),
        ({"sinceSeconds": "30"}, b"b\nc\n"),
        ({"tailLines": "1"}, b"c\n"),
        ({"tailLines": "0"}, b""),
        ({"tailLines": "9"}, b"a\nb\nc\n"),
    ],
)
def test_logs_are_chosen_by_time_and_number(query: dict[str, str], text: bytes) -> None:
    assert text_of(selected(LINES, query, now=170.0), stamps=False) == text


def test_a_stamped_line_begins_with_its_time() -> None:
    assert text_of(LINES[:1], stamps=True) == b"1970-01-01T00:01:40.500000+00:00 a\n"


def test_a_folder_of_manifests_is_read_in_order_without_kustomizations(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("kind: B\n---\n# only a comment\n---\nkind: C\n")
    (tmp_path / "a.yaml").write_text("kind: A\n")
    (tmp_path / "kustomization.yaml").write_text("resources: []\n")
    assert [document["kind"] for document in documents(tmp_path)] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("status", "established"),
    [
        ({}, False),
        ({"conditions": None}, False),
        ({"conditions": [{"type": "Established", "status": "False"}]}, False),
        (
            {"conditions": [{"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": "True"}]},
            True,
        ),
    ],
)
def test_a_crd_is_served_when_it_is_established(status: dict[str, object], established: bool) -> None:
    assert is_established({"status": status}) is established


def test_rights_come_before_the_program_and_namespaces_before_rights(tmp_path: Path) -> None:
    kinds = ("ClusterRole", "Deployment", "Namespace", "Service", "ServiceAccount")
    (tmp_path / "all.yaml").write_text("\n---\n".join(f"kind: {kind}" for kind in kinds))
    found = [document["kind"] for document in penstock.rights(tmp_path)]
    assert found == ["Namespace", "ClusterRole", "ServiceAccount"]


def test_options_come_last_and_so_win() -> None:
    words = penstock.command(["--workers", "1"], ["/config"])
    assert words[1:5] == ["-m", "proxy", "run", "/config"]
    assert words[-2:] == ["--workers", "1"]


def test_a_report_is_named_as_upstream_wants_it() -> None:
    report = "gatewayAPIChannel: experimental\nimplementation: {version: v0.1.0}\nmode: default\n"
    assert deliver.name_of(report) == "experimental-v0.1.0-default-report.yaml"


@pytest.mark.parametrize("failed", [True, False])
def test_only_the_report_of_a_run_without_failures_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failed: bool
) -> None:
    """The report itself may call a parallel test that failed a success."""
    monkeypatch.setattr(deliver, "REPORTS", tmp_path / "docs")
    (tmp_path / "docs").mkdir()
    report = tmp_path / "report.yaml"
    report.write_text("gatewayAPIChannel: standard\nimplementation: {version: v1}\nmode: default\n")
    outcome = Result("FAIL" if failed else "PASS", 1.0)
    log = Log({"GatewayModifyListeners": outcome}, whole=outcome)
    if failed:
        with pytest.raises(deliver.NotDeliverableError, match="1 failed"):
            deliver.deliver(report, log)
    else:
        assert deliver.deliver(report, log).read_text() == report.read_text()


def test_some_tests_make_no_report() -> None:
    some = arguments(Wanted("penstock", ["GATEWAY-HTTP"], ["Gateway", "HTTPRoute"], "A|B"), Path("r.yaml"), "v1")
    assert "-test.run=^TestConformance$/^(A|B)$" in some
    assert "-supported-features=Gateway,HTTPRoute" in some
    assert not any(word.startswith("-report-output") for word in some)


def test_the_whole_suite_makes_one_that_says_who_we_are() -> None:
    whole = arguments(Wanted("penstock", ["GATEWAY-HTTP"], ["Gateway"]), Path("r.yaml"), "v0.1.0")
    for word in ("-report-output=r.yaml", "-version=v0.1.0", "-project=penstock", "-test.run=^TestConformance$"):
        assert word in whole
    named = {word.partition("=")[0] for word in whole}
    assert {"-organization", "-url", "-contact", "-usable-address", "-unusable-address"} <= named


def test_memory_is_what_the_kernel_calls_available() -> None:
    assert available_mib("MemTotal:       8000 kB\nMemAvailable:    2048000 kB\n") == 2000


def test_every_module_has_its_minutes() -> None:
    assert set(binaries.CPU_MINUTES) <= set(binaries.modules())


@pytest.mark.parametrize(
    ("attributes", "count"),
    [
        ('tests="5" failures="1" errors="1" skipped="1"', Count(2, 2, 1)),
        ('tests="1" failures="0" errors="0" skipped="0"', Count(1, 0, 0)),
    ],
)
def test_scenarios_are_counted_from_their_file(tmp_path: Path, attributes: str, count: Count) -> None:
    path = tmp_path / "scenarios.xml"
    path.write_text(f"<testsuites><testsuite {attributes}/></testsuites>")
    assert counted(path) == count
