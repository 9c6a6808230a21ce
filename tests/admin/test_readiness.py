"""When the gateway should be sent requests."""

from proxy.admin.readiness import is_ready, readiness
from proxy.admin.view import WorkerState
from tests.admin.view import FakeView


def test_ready_with_a_configuration_and_a_worker_that_serves_it() -> None:
    assert readiness(FakeView()) == {"ready": True, "draining": False, "generation": 3, "workers": {"0": 3, "1": 2}}


def test_not_ready_before_the_first_configuration() -> None:
    view = FakeView()
    view.snapshot = None
    assert readiness(view)["ready"] is False
    assert readiness(view)["generation"] == 0


def test_not_ready_without_a_worker_that_serves() -> None:
    view = FakeView()
    view.workers = {0: WorkerState(1, 0, 1.0)}
    assert not is_ready(view)


def test_one_worker_that_is_being_replaced_makes_nothing_unready() -> None:
    view = FakeView()
    view.workers = {0: WorkerState(1, 0, 1.0), 1: WorkerState(2, 3, 1.0)}
    assert is_ready(view)


def test_not_ready_while_draining() -> None:
    view = FakeView()
    view.draining = True
    assert not is_ready(view)
    assert readiness(view)["draining"] is True
