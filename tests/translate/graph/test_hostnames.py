"""Which hosts a listener and a route both mean."""

import pytest

from proxy.translate.graph.hostnames import intersect


@pytest.mark.parametrize(
    ("listener", "route", "common"),
    [
        (b"", b"", b""),
        (b"", b"x.a", b"x.a"),
        (b"", b"*.a", b"*.a"),
        (b"x.a", b"", b"x.a"),
        (b"*.a", b"", b"*.a"),
        (b"x.a", b"x.a", b"x.a"),
        (b"x.a", b"y.a", None),
        (b"x.a", b"*.a", b"x.a"),
        (b"x.y.a", b"*.a", b"x.y.a"),
        (b"a", b"*.a", None),
        (b"*.a", b"x.a", b"x.a"),
        (b"*.a", b"x.y.a", b"x.y.a"),
        (b"*.a", b"a", None),
        (b"*.a", b"xa", None),
        (b"*.a", b"*.a", b"*.a"),
        (b"*.a", b"*.b.a", b"*.b.a"),
        (b"*.b.a", b"*.a", b"*.b.a"),
        (b"*.a", b"*.b", None),
        (b"*.ba", b"*.a", None),
    ],
)
def test_intersection(listener: bytes, route: bytes, common: bytes | None) -> None:
    assert intersect(listener, route) == common
