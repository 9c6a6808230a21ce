"""The namespace we run in."""

from pathlib import Path

from proxy.runtime.namespace import USUAL_NAMESPACE, own_namespace


def test_the_environment_comes_first_then_the_service_account(tmp_path: Path) -> None:
    file = tmp_path / "namespace"
    assert own_namespace({}, file) == USUAL_NAMESPACE
    file.write_text("edge\n")
    assert own_namespace({}, file) == "edge"
    assert own_namespace({"POD_NAMESPACE": "other"}, file) == "other"
