"""write_manifests: the CustomResourceDefinitions in config/kubernetes/, made from the models.

They lie there twice: for kustomize with the list of them, and in the Helm chart, which must hold all it
installs. `make manifests` runs this; a test fails when it should have been run.
"""

from pathlib import Path

from proxy.cli.schema import crd_documents

ROOT = Path(__file__).parent.parent
CRDS = "config/kubernetes/crds"
CHART_CRDS = "config/kubernetes/chart/crds"

KUSTOMIZATION = """\
# Our own kinds. They are installed before all else and stay when the rest goes, with everybody's objects.
# Made by `make manifests`. Do not edit.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
"""


def generated() -> dict[str, str]:
    """Path below the root to the text that belongs there."""
    documents = {f"{name}.yaml": text for name, text in crd_documents().items()}
    listed = "".join(f"  - {name}\n" for name in sorted(documents))
    return {
        f"{CRDS}/kustomization.yaml": KUSTOMIZATION + listed,
        **{f"{folder}/{name}": text for folder in (CRDS, CHART_CRDS) for name, text in documents.items()},
    }


def main() -> None:
    wanted = generated()
    for folder in (CRDS, CHART_CRDS):
        for path in (ROOT / folder).glob("*.yaml"):
            if str(path.relative_to(ROOT)) not in wanted:
                path.unlink()
    for name, text in wanted.items():
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(text)


if __name__ == "__main__":
    main()
