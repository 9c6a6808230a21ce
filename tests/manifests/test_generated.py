"""What is made from the models is what the models say now."""

from scripts.write_manifests import CHART_CRDS, CRDS, generated
from tests.manifests.tree import ROOT


def test_the_crds_are_up_to_date() -> None:
    """`make manifests` writes them anew."""
    wanted = generated()
    lying = {
        str(path.relative_to(ROOT)): path.read_text()
        for folder in (CRDS, CHART_CRDS)
        for path in (ROOT / folder).glob("*.yaml")
    }
    assert lying == wanted
    assert len(wanted) >= 3
