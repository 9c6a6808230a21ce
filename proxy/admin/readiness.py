"""/readyz: whether this gateway should be sent requests, and what each worker serves."""

from typing import Any

from proxy.admin.view import View


def is_ready(view: View) -> bool:
    """There is a configuration, a worker that serves it, and no stop under way."""
    serving = any(worker.generation for worker in view.workers.values())
    return view.snapshot is not None and serving and not view.draining


def readiness(view: View) -> dict[str, Any]:
    """The JSON body."""
    return {
        "ready": is_ready(view),
        "draining": view.draining,
        "generation": view.snapshot.generation if view.snapshot else 0,
        "workers": {str(index): worker.generation for index, worker in view.workers.items()},
    }
