"""The namespace in which this process runs, when it runs in a cluster."""

import os
from collections.abc import Mapping
from pathlib import Path

NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
USUAL_NAMESPACE = "penstock-system"


def own_namespace(environ: Mapping[str, str] = os.environ, file: Path = NAMESPACE_FILE) -> str:
    """Of our Pod: as POD_NAMESPACE says, else as its ServiceAccount does, else where Penstock usually is."""
    if named := environ.get("POD_NAMESPACE"):
        return named
    try:
        return file.read_text(encoding="utf-8").strip() or USUAL_NAMESPACE
    except OSError:
        return USUAL_NAMESPACE
