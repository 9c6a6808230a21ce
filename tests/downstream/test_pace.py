"""The pace of a request body: what moves its end, and that no time runs while the client is held back."""

from types import SimpleNamespace

from proxy.downstream.pace import BodyPace
from proxy.downstream.settings import DataPlaneSettings
from tests.clock import ManualTime


class Body:
    """A pace with 10 s for the next octets and 100 octets a second, and whether it was too slow."""

    def __init__(self) -> None:
        self.time = ManualTime()
        self.late = False
        settings = DataPlaneSettings(body_timeout=10.0, body_rate=100.0)
        bound = SimpleNamespace(wheel=self.time.wheel, clock=lambda: self.time.now, settings=settings)
        self.pace = BodyPace(bound, self._is_late)  # type: ignore[arg-type]

    def _is_late(self) -> None:
        self.late = True

    def after(self, seconds: float) -> bool:
        self.time.pass_(seconds)
        return self.late


def test_octets_must_come_in_time() -> None:
    body = Body()
    assert not body.after(9.5) and body.after(1.0)


def test_and_at_a_rate_on_the_whole() -> None:
    body = Body()
    for _ in range(2):
        assert not body.after(4.5)
        body.pace.received(1)
    assert body.after(1.5)


def test_no_time_runs_while_the_client_is_held_back() -> None:
    body = Body()
    body.time.pass_(5.0)
    body.pace.pause()
    assert not body.after(1000.0)
    body.pace.resume()
    assert not body.after(4.5) and body.after(1.0)


def test_octets_that_were_read_before_are_not_late() -> None:
    """HTTP/2: frames of one read go on coming after the first of them has had the client held back."""
    body = Body()
    body.pace.pause()
    body.pace.received(100)
    assert not body.after(1000.0)
    body.pace.resume()
    body.time.pass_(9.5)
    body.pace.received(1)
    assert not body.after(1.0) and body.after(1.0)
