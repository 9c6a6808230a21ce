"""One cluster for all scenarios. A scenario leaves it as it found it, so each has a namespace of its own."""

import re
from collections.abc import Iterator

import pytest

from tests.cluster import figures
from tests.conformance.place import place_named
from tests.conformance.session import Cluster, cluster


def pytest_sessionstart() -> None:
    figures.forget()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """`build/conformance/figures.txt`, for those who watch."""
    if text := figures.noted():
        terminalreporter.section("figures")
        terminalreporter.write(text)


@pytest.fixture(scope="session")
def shared() -> Iterator[Cluster]:
    with cluster(f"{place_named().name}-scenarios") as found:
        yield found


@pytest.fixture
def namespace(shared: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace that is removed after the test, with all that is in it."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:60].strip("-")
    shared.client.apply(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}}}}}")
    yield name
    shared.client.delete(f"/api/v1/namespaces/{name}")
