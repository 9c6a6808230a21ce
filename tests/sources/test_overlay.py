"""Files laid over others, as kubectl apply would."""

import asyncio
from collections.abc import AsyncIterator, Iterable

from proxy.resources.httproute import HTTPRoute
from proxy.resources.meta import Wanted
from proxy.resources.problem import Problem
from proxy.sources.base import Loaded
from proxy.sources.file import load_text
from proxy.sources.overlay import YOUNGEST, Overlay, laid_over

ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME, creationTimestamp: "2024-01-01T00:00:00Z"}
spec: {hostnames: [HOST]}
"""


def route(name: str, host: str) -> str:
    return ROUTE.replace("NAME", name).replace("HOST", host)


BELOW = load_text(route("a", "a.example") + "---\n" + route("b", "b.example"), "below.yaml")
ABOVE = load_text(
    "---\n".join(
        text.replace(', creationTimestamp: "2024-01-01T00:00:00Z"', "")
        for text in (route("b", "other.example"), route("c", "c.example"))
    ),
    "above.yaml",
)


def hosts_and_ages(loaded: Loaded) -> dict[str, tuple[str, str | None]]:
    routes = loaded.resources.by_kind(HTTPRoute)
    return {key.name: (one.spec.hostnames[0], one.metadata.creation_timestamp) for key, one in routes.items()}


class Still:
    """A Source of one moment, which is asked for a Secret at most once."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self.asked: list[frozenset[Wanted]] = []
        self.closed = False

    async def open(self) -> None:
        pass

    def load(self) -> Loaded:
        return self._loaded

    async def want(self, wanted: frozenset[Wanted]) -> bool:
        self.asked.append(wanted)
        return len(self.asked) == 1

    async def changes(self) -> AsyncIterator[None]:
        for nothing in ():
            yield nothing

    def close(self) -> None:
        self.closed = True


def test_what_both_have_is_as_the_upper_one_says_and_keeps_its_age() -> None:
    assert hosts_and_ages(Overlay(Still(BELOW), Still(ABOVE)).load()) == {
        "a": ("a.example", "2024-01-01T00:00:00Z"),
        "b": ("other.example", "2024-01-01T00:00:00Z"),
        "c": ("c.example", YOUNGEST),
    }


def test_problems_are_placed_where_each_object_was_declared() -> None:
    loaded = Overlay(Still(BELOW), Still(ABOVE)).load()
    origins = {key.name: loaded.resources.origin(one) for key, one in loaded.resources.by_kind(HTTPRoute).items()}
    assert origins == {"a": ("below.yaml", 1), "b": ("above.yaml", 1), "c": ("above.yaml", 6)}
    problems = [
        Problem("error", "", "HTTPRoute", "default", name, "spec.hostnames", "", *at) for name, at in origins.items()
    ]
    assert [(one.file, one.line, one.column) for one in loaded.place(problems)] == [
        ("below.yaml", 4, 19),
        ("above.yaml", 4, 19),
        ("above.yaml", 9, 19),
    ]


def test_both_are_asked_for_what_is_wanted_and_both_are_closed() -> None:
    below, above = Still(BELOW), Still(ABOVE)
    overlay = Overlay(below, above)
    wanted = frozenset({Wanted("Secret", "default", "tls")})

    async def use() -> list[bool]:
        await overlay.open()
        return [await overlay.want(wanted), await overlay.want(wanted)]

    assert asyncio.run(use()) == [True, False]
    assert below.asked == above.asked == [wanted, wanted]
    overlay.close()
    assert below.closed
    assert above.closed


def test_nothing_laid_over_anything_is_the_same() -> None:
    nothing: Iterable[str] = ()
    assert list(laid_over(BELOW.resources, load_text("".join(nothing)).resources)) == list(BELOW.resources)
